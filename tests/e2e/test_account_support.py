"""What an operator does for somebody who cannot log in (AUTH-019): boxctl account."""
import pytest

from people import Person, assert_error

TRIES = 5


@pytest.fixture
def member(base_url, sandbox_url):
    person = Person(base_url, sandbox_url)
    person.sign_up()
    return person


def log_in(member, password):
    body = {"email": member.email, "password": password, "recaptchaToken": "sandbox-pass"}
    return member.call("POST", "/auth/login", json=body)


def test_locked_out_owner_is_seen_and_let_in_by_an_operator(member, boxctl):
    for _ in range(TRIES):
        assert_error(log_in(member, "Another-horse-8"), 401, "BAD_CREDENTIALS")
    assert_error(log_in(member, "Another-horse-8"), 423, "ACCOUNT_LOCKED")
    shown = boxctl("account", "show", member.email.upper())
    assert "ACTIVE, USER" in shown and f"{TRIES} of {TRIES}, 127.0.0.1; locked for" in shown
    assert member.name not in shown and member.phone not in shown
    assert boxctl("account", "unlock", member.email) == boxctl("account", "unlock", member.email)
    tokens = member.log_in()
    assert "sessions       1" in boxctl("account", "show", member.email)
    boxctl("account", "lock", member.email, "2")
    refused = log_in(member, "whatever it is")
    assert_error(refused, 423, "ACCOUNT_LOCKED")
    assert 7000 < int(refused.headers["Retry-After"]) <= 7200
    assert member.call("GET", "/users/me").status_code == 200
    boxctl("account", "end-sessions", member.email)
    assert_error(member.call("GET", "/users/me"), 401, "TOKEN_REVOKED")
    assert_error(member.call("POST", "/auth/refresh", json={"refreshToken": tokens["refreshToken"]}), 401,
                 "TOKEN_REVOKED")


@pytest.mark.parametrize("words, status, told", [
    (("show", "nobody@example.com"), 1, "no account has this e-mail address"),
    (("lock", "nobody@example.com", "0"), 1, "HOURS is a number from 1 to 8760"),
    (("lock", "nobody@example.com", "9999"), 1, "HOURS is a number from 1 to 8760"),
    (("lock", "nobody@example.com"), 2, "usage: boxctl account"),
    (("forget", "nobody@example.com"), 2, "usage: boxctl account"),
    ((), 2, "usage: boxctl account"),
])
def test_what_an_operator_cannot_mean_is_told(stack, words, status, told):
    done = stack.run("exec", "boxctl", "account", *words)
    assert done.returncode == status and told in done.stderr and not done.stdout
