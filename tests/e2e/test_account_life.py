"""The rest of an account's life through the gateway: its end (AUTH-017), sleep and waking (AUTH-018)."""
import pytest

from box_office import new_buyer, put_on_sale, wait_for
from people import PASSWORD, Person, assert_error


@pytest.fixture
def person(base_url, sandbox_url):
    return Person(base_url, sandbox_url)


@pytest.fixture
def member(person):
    person.sign_up()
    return person


def log_in(person, password=PASSWORD):
    return person.call("POST", "/auth/login", json={"email": person.email, "password": password,
                                                    "recaptchaToken": "sandbox-pass"})


def test_withdrawal_ends_the_account_and_keeps_its_place(member, base_url, sandbox_url):
    other, own = member.log_in(), member.log_in()
    assert_error(member.call("DELETE", "/users/me?withTickets=perhaps"), 400, "INVALID_REQUEST")
    answer = member.call("DELETE", "/users/me")
    assert answer.status_code == 204 and not answer.content
    assert_error(member.call("DELETE", "/users/me"), 401, "TOKEN_REVOKED")
    for one in (other, own):
        assert_error(member.call("GET", "/users/me", headers={"Authorization": f"Bearer {one['accessToken']}"}), 401,
                     "TOKEN_REVOKED")
        assert_error(member.call("POST", "/auth/refresh", json={"refreshToken": one["refreshToken"]}), 401,
                     "TOKEN_REVOKED")
    assert_error(log_in(member), 401, "BAD_CREDENTIALS")
    body = {"email": member.email, "identityVerificationId": member.verify_identity(), "newPassword": "another-Way-9-in"}
    assert_error(member.call("POST", "/auth/password/reset", json=body), 400, "IDENTITY_NOT_VERIFIED")
    assert member.call("POST", "/auth/email/check", json={"email": member.email}).json() == {"available": False}
    assert_error(member.call("POST", "/auth/signup", json=member.sign_up_body()), 409, "EMAIL_TAKEN")
    again = Person(base_url, sandbox_url)
    same_person = again.verify_identity(ci=f"ci-{member.email}")
    assert_error(again.call("POST", "/auth/signup", json=again.sign_up_body(identityVerificationId=same_person)), 409,
                 "PERSON_ALREADY_REGISTERED")


def end_accounts(stack) -> None:
    done = stack.run("exec", "boxoffice-maint", "accounts")
    assert done.returncode == 0, done.stderr or done.stdout


def test_withdrawn_person_is_destroyed_after_a_month_and_free_to_come_back(member, stack, query):
    member.log_in()
    user_id = member.call("GET", "/users/me").json()["id"]
    assert member.call("DELETE", "/users/me").status_code == 204
    end_accounts(stack)
    assert_error(member.call("POST", "/auth/signup", json=member.sign_up_body()), 409, "EMAIL_TAKEN")
    query(f"UPDATE user_service.users SET deleted_at = deleted_at - interval '31 days' WHERE id = '{user_id}'")
    end_accounts(stack)
    assert query("SELECT num_nonnulls(email, email_hash, name, phone, phone_hash, ci, ci_hash, di, password_hash) "
                 f"FROM user_service.users WHERE id = '{user_id}'") == [["0"]]
    assert query("SELECT DISTINCT ip, user_agent FROM user_service.login_history "
                 f"WHERE user_id = '{user_id}'") == [["", ""]]
    assert member.call("POST", "/auth/signup", json=member.sign_up_body()).status_code == 201
    member.log_in()
    assert member.call("GET", "/users/me").json()["id"] != user_id


def test_withdrawal_wants_a_fresh_login(member, query):
    member.log_in()
    user_id = member.call("GET", "/users/me").json()["id"]
    query(f"UPDATE user_service.refresh_tokens SET family = uuidv7(interval '-11 minutes') WHERE user_id = '{user_id}'")
    assert_error(member.call("DELETE", "/users/me"), 403, "LOGIN_TOO_OLD")
    assert member.call("GET", "/users/me").status_code == 200
    member.log_in()
    assert member.call("DELETE", "/users/me").status_code == 204


def test_withdrawal_loses_no_ticket_unasked(admin, base_url, sandbox_url, query):
    buyer = new_buyer(base_url, sandbox_url, put_on_sale(admin))
    buyer.log_in()
    held = buyer.hold(buyer.sale.seats[0]).json()
    for path in ("/users/me", "/users/me?withTickets=true"):
        assert_error(buyer.call("DELETE", path), 409, "PURCHASE_PENDING")
    order = buyer.order(held).json()
    assert buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")).status_code == 200
    buyer.wait_until(held, "CONFIRMED")
    for path in ("/users/me", "/users/me?withTickets=false"):
        assert_error(buyer.call("DELETE", path), 409, "TICKETS_REMAIN")
    assert buyer.call("GET", "/users/me").status_code == 200
    assert buyer.call("DELETE", "/users/me?withTickets=true").status_code == 204
    assert_error(buyer.call("GET", "/users/me"), 401, "TOKEN_REVOKED")
    assert query(f"SELECT status FROM reservation_service.reservations WHERE id = '{held['reservationId']}'") == [["CONFIRMED"]]


def reactivate(person, verification, email=None, password=PASSWORD):
    return person.call("POST", "/auth/reactivate", json={"email": email or person.email, "password": password,
                                                         "identityVerificationId": verification})


def test_sleeping_account_is_woken_by_its_person_only(member, base_url, sandbox_url, query):
    thief = Person(base_url, sandbox_url)
    member.log_in()
    user_id = member.call("GET", "/users/me").json()["id"]
    query(f"UPDATE user_service.users SET status = 'DORMANT' WHERE id = '{user_id}'")
    assert_error(log_in(member), 403, "ACCOUNT_DORMANT")
    assert_error(reactivate(member, member.verify_identity(), password="wrong-horse"), 401, "BAD_CREDENTIALS")
    assert_error(reactivate(member, "identity-verification-unknown"), 400, "IDENTITY_NOT_VERIFIED")
    unknown = assert_error(reactivate(member, member.verify_identity(), "nobody@example.com"), 400, "IDENTITY_NOT_VERIFIED")
    for password in (PASSWORD, "wrong-horse"):
        answer = reactivate(member, thief.verify_identity(), password=password)
        other = assert_error(answer, 400, "IDENTITY_NOT_VERIFIED")
        assert other["message"] == unknown["message"] and other.get("details") == unknown.get("details")
    assert_error(log_in(member), 403, "ACCOUNT_DORMANT")
    verification = member.verify_identity()
    for _ in range(2):  # an answer that was lost
        answer = reactivate(member, verification)
        assert answer.status_code == 200, answer.text
    member.session.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
    assert member.call("GET", "/users/me").json()["email"] == member.email
    assert log_in(member).status_code == 200


def test_account_that_nobody_uses_is_told_of_once_then_sleeps_and_is_woken(member, stack, query, mailbox):
    member.log_in()
    user_id = member.call("GET", "/users/me").json()["id"]

    def days_pass(days: int) -> None:
        query(f"UPDATE user_service.users SET created_at = created_at - interval '{days} days', "
              f"last_login_at = last_login_at - interval '{days} days', "
              f"dormancy_notice_at = dormancy_notice_at - interval '{days} days' WHERE id = '{user_id}'")

    def notices() -> list[dict]:
        return [mail for mail in mailbox.mails(member.email) if "휴면" in mail["subject"]]

    days_pass(336)
    end_accounts(stack)
    end_accounts(stack)
    notice, = wait_for("the notice", notices)
    assert "log in" in notice["text"]
    days_pass(30)
    end_accounts(stack)
    assert member.call("GET", "/users/me").status_code == 200
    days_pass(2)
    wait_for("the end of the mail", lambda: query("SELECT status FROM user_service.mails "
                                                  f"WHERE user_id = '{user_id}' AND kind = 'DORMANCY_NOTICE'") == [["SENT"]])
    end_accounts(stack)
    assert_error(member.call("GET", "/users/me"), 401, "TOKEN_REVOKED")
    assert_error(log_in(member), 403, "ACCOUNT_DORMANT")
    assert reactivate(member, member.verify_identity()).status_code == 200
    end_accounts(stack)
    assert log_in(member).status_code == 200
    assert notices() == [notice]
