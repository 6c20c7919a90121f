"""Mails through the gateway, the mailer and a real SMTP server (AUTH-019, AUTH-020)."""
import email
import email.policy
import os
import signal

import pytest

from box_office import wait_for
from people import MALFORMED, PASSWORD, From, Person, assert_error
from stack_tools import service_pid


@pytest.fixture
def person(base_url, sandbox_url):
    return Person(base_url, sandbox_url)


def ask(person, **kwargs):
    return person.call("POST", "/auth/email/code", json={"email": person.email}, **kwargs)


def verify(person, code):
    return person.call("POST", "/auth/email/verify", json={"email": person.email, "code": code})


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_code_comes_by_mail_and_proves_the_address_at_sign_up(person, mailbox, query):
    assert ask(person).status_code == 204
    code = mailbox.code(person.email)
    token = verify(person, code).json()["emailVerificationToken"]
    body = person.sign_up_body(emailVerificationToken=token)
    made = person.call("POST", "/auth/signup", json=body)
    again = person.call("POST", "/auth/signup", json=body)  # its answer was lost
    assert made.status_code == again.status_code == 201 and made.json() == again.json()
    assert_error(verify(person, code), 400, "EMAIL_CODE_INVALID")
    other = Person(person.base_url, person.sandbox_url)
    body = other.sign_up_body(emailVerificationToken=token)
    assert_error(other.call("POST", "/auth/signup", json=body), 400, "INVALID_REQUEST")


def test_codes_from_many_networks_cost_a_solved_challenge(person, mailbox):
    def ask_from(network: int, **more):
        person.session.mount("http://", From(f"127.20.{network}.1"))
        return person.call("POST", "/auth/email/code", json={"email": person.email} | more)

    for network in range(3):
        assert ask_from(network).status_code == 204
    refused = assert_error(ask_from(3), 400, "CAPTCHA_FAILED")
    assert [one["field"] for one in refused["details"]] == ["recaptchaToken"]
    assert_error(ask_from(3, recaptchaToken="sandbox-fail"), 400, "CAPTCHA_FAILED")
    assert ask_from(3, recaptchaToken="sandbox-pass").status_code == 204
    assert len(mailbox.wait(person.email, 4)) == 4


def test_address_changes_to_one_that_a_code_proves_and_the_old_one_is_told(person, mailbox):
    person.sign_up()
    person.log_in()
    old, before = person.email, person.call("GET", "/users/me").json()
    mails = len(mailbox.mails(old))
    other = Person(person.base_url, person.sandbox_url)
    assert ask(other).status_code == 204
    token = verify(other, mailbox.code(other.email)).json()["emailVerificationToken"]
    missing = assert_error(person.call("PATCH", "/users/me", json={"email": other.email}), 400, "INVALID_REQUEST")
    assert [one["field"] for one in missing["details"]] == ["emailVerificationToken"]
    change = {"email": other.email.upper(), "emailVerificationToken": token}
    stolen = assert_error(person.call("PATCH", "/users/me", json=change), 400, "INVALID_REQUEST")
    assert [one["field"] for one in stolen["details"]] == ["identityVerificationId"]
    change["identityVerificationId"] = person.verify_identity()
    for _ in range(2):  # an answer that was lost
        answer = person.call("PATCH", "/users/me", json=change)
        assert answer.status_code == 200 and answer.json() == before | {"email": other.email}, answer.text
    told = mailbox.wait(old, mails + 1)[-1]
    assert told["subject"] == "계정의 이메일이 변경되었습니다" and other.email not in told["text"]
    body = {"email": old, "password": PASSWORD, "recaptchaToken": "sandbox-pass"}
    assert_error(person.call("POST", "/auth/login", json=body), 401, "BAD_CREDENTIALS")
    person.email = other.email
    person.log_in()


def test_mail_is_well_formed_in_two_languages(person, mailbox):
    assert ask(person).status_code == 204
    other = Person(person.base_url, person.sandbox_url)
    assert ask(other, headers={"Accept-Language": "en"}).status_code == 204
    for who, subject in ((person, "이메일 인증 코드"), (other, "Your e-mail verification code")):
        mail = email.message_from_bytes(mailbox.source(mailbox.wait(who.email)[0]), policy=email.policy.default)
        assert mail["Subject"] == subject and not mail.defects
        assert [to.addr_spec for to in mail["To"].addresses] == [who.email]
        assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"].endswith("@boxoffice.example>")
        assert mail["Date"].datetime and mail["From"].addresses[0].addr_spec == "no-reply@boxoffice.example"
        assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
        code = mailbox.code(who.email)
        assert all(code in part.get_content() for part in mail.iter_parts())
        assert "http" not in mail.get_body(("plain",)).get_content()


def test_codes_are_a_minute_apart_and_a_lost_answer_changes_nothing(person, mailbox):
    assert ask(person).status_code == 204
    answer = ask(person)
    assert_error(answer, 429, "TOO_MANY_REQUESTS")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    code = mailbox.code(person.email)
    assert verify(person, code).json() == verify(person, code).json()
    assert len(mailbox.mails(person.email)) == 1


def test_five_wrong_tries_end_a_code(person, mailbox):
    assert ask(person).status_code == 204
    code = mailbox.code(person.email)
    for _ in range(5):
        assert_error(verify(person, other_than(code)), 400, "EMAIL_CODE_INVALID")
    assert_error(verify(person, code), 400, "EMAIL_CODE_INVALID")


def test_codes_tell_nothing_of_accounts(person, mailbox):
    """Answers to who has an account and to who has none are the same, but for time and trace."""
    person.sign_up()
    stranger = Person(person.base_url, person.sandbox_url)

    def told(answer):
        body = answer.json() if answer.content else {}
        return answer.status_code, {key: body[key] for key in body if key not in ("timestamp", "traceId")}

    assert told(ask(person)) == told(ask(stranger))
    assert told(ask(person)) == told(ask(stranger))
    assert told(verify(person, other_than(mailbox.code(person.email)))) == told(
        verify(stranger, other_than(mailbox.code(stranger.email))))


@pytest.mark.parametrize("path", ["/auth/email/code", "/auth/email/verify"])
@pytest.mark.parametrize("name,body,content_type,status", MALFORMED, ids=[case[0] for case in MALFORMED])
def test_malformed_bodies_are_refused(person, path, name, body, content_type, status):
    answer = person.call("POST", path, data=body, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("address", [
    "kim@example.com\r\nBcc: all@example.com", "kim@example.com\nDATA", f"{'a' * 310}@example.com", "<kim@example.com>",
    "kim@example.com,lee@example.com", "kim\u200b@example.com", "kim@ex\u202eample.com", "김@example.com", "kim", "@", ""])
def test_addresses_that_are_none_are_sent_nothing(person, address):
    answer = person.call("POST", "/auth/email/code", json={"email": address})
    assert_error(answer, 400, "INVALID_REQUEST")


def test_mailer_that_is_killed_is_started_anew_and_loses_no_mail(base_url, sandbox_url, stack, mailbox):
    people = [Person(base_url, sandbox_url) for _ in range(8)]
    for number, person in enumerate(people):
        assert ask(person).status_code == 204
        if number % 3 == 0:
            os.kill(wait_for("a mailer", lambda: service_pid(stack, "mailer")), signal.SIGKILL)
    # One that was being sent is taken again only when sending it could have taken so long.
    for person in people:
        mails = wait_for("the mail", lambda who=person: mailbox.mails(who.email), patience_s=90)
        assert len({mail["headers"]["message-id"] for mail in mails}) == 1


def test_log_of_the_mailer_names_nobody(person, mailbox, stack):
    assert ask(person).status_code == 204
    code = mailbox.code(person.email)
    log = (stack.log / "mailer" / "current").read_text()
    assert '"mail sent"' in log and person.email not in log and code not in log


def log_in_with(person, agent: str) -> None:
    answer = person.call("POST", "/auth/login", headers={"User-Agent": agent}, json={
        "email": person.email, "password": PASSWORD, "recaptchaToken": "sandbox-pass"})
    assert answer.status_code == 200, answer.text


def test_login_from_a_new_device_is_told_its_owner(person, mailbox):
    person.sign_up()
    log_in_with(person, "Home/1.0")
    log_in_with(person, "Home/2.0")
    log_in_with(person, "Evil\t<script>alert('x')</script>\x7f Bcc: all@example.com")
    mail = mailbox.wait(person.email)[0]
    source = email.message_from_bytes(mailbox.source(mail), policy=email.policy.default)
    assert source["Subject"] == "새로운 기기에서 로그인했습니다" and "Bcc" not in source and not source.defects
    text, html = (part.get_content() for part in source.iter_parts())
    assert "<script>" in text and "<script>" not in html and "&lt;script&gt;" in html
    assert f"{person.email[0]}***@example.com" in text and person.email not in text
    assert "새로운 기기" in text and "from a new device" in text
