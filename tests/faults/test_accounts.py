"""The user service that is killed in the middle of an account's life: all or nothing, and asking again ends well."""
import concurrent.futures
import contextlib

import pytest
import requests

from box_office import wait_for
from locks import writers_wait
from people import PASSWORD, From, Person, Visitor
from processes import kill_pools
from stack_tools import await_, healthy, service_pid, sv

OUTSIDE = ("outside-1", "outside-2")
CROWD = 12
NEW_PASSWORD = "Battery-9-staple-horse"


@pytest.fixture
def people(base_url, sandbox_url):
    """Each from an address of their own: what one may do how often is not what is tried here."""
    people = [Person(base_url, sandbox_url) for _ in range(CROWD)]
    for host, person in enumerate(people):
        person.session.mount("http://", From(f"127.0.7.{10 + host}"))
    return people


def each(people: list, do) -> list:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(do, people))


def killed_meanwhile(stack, people: list, ask, middle=contextlib.nullcontext(lambda: len(OUTSIDE))) -> list:
    """What each was answered, None for nothing, while every process of the pools was killed at once; `middle` says how many
    have come to the middle of what they do, where it is certain that some have."""
    def patient(person):
        with contextlib.suppress(requests.RequestException):
            return ask(person)
        return None

    with concurrent.futures.ThreadPoolExecutor(len(people)) as pool:
        with middle as reached:
            asked = [pool.submit(patient, person) for person in people]
            wait_for("somebody in the middle", lambda: reached() >= len(OUTSIDE))
            kill_pools(stack, *OUTSIDE)
        told = [future.result() for future in asked]
    await_(lambda: healthy(stack))
    return told


# Written last but one of a sign-up and of a reset.
PROOFS = "user_service.identity_uses"


def test_user_service_killed_while_people_sign_up_leaves_all_or_nothing(stack, people, query):
    """An account with its consents, or nothing; asking again with the same body is answered as the first would have been."""
    bodies = dict(zip(people, each(people, lambda person: person.sign_up_body())))

    def accounts() -> int:
        return int(query("SELECT count(*) FROM user_service.users")[0][0])

    def without_consents() -> int:
        return int(query("SELECT count(*) FROM user_service.users AS u WHERE status <> 'DELETED' AND NOT EXISTS ("
                         "SELECT FROM user_service.terms_agreements AS t WHERE t.user_id = u.id AND t.type = 'SERVICE')")[0][0])

    def sign_up(person: Person) -> requests.Response:
        return person.call("POST", "/auth/signup", json=bodies[person])

    before, half = accounts(), without_consents()
    told = killed_meanwhile(stack, people, sign_up, writers_wait(stack, query, PROOFS))
    done = sum(1 for answer in told if answer is not None and answer.status_code == 201)
    assert before + done <= accounts() <= before + len(people)
    assert without_consents() == half
    for person in people:
        wait_for("the account", lambda: sign_up(person).status_code == 201)
        person.log_in()
    assert accounts() == before + len(people) and without_consents() == half


def test_user_service_killed_while_passwords_are_reset_leaves_the_old_or_the_new_one(stack, people, query):
    """Whoever is told that it is done has the new one; asking again with the same verification leads there, and its owner is
    told by one mail."""
    each(people, lambda person: (person.sign_up(), person.log_in()))
    ids = {person: person.call("GET", "/users/me").json()["id"] for person in people}
    proofs = dict(zip(people, each(people, lambda person: person.verify_identity())))

    def reset(person: Person) -> requests.Response:
        return person.call("POST", "/auth/password/reset", json={
            "email": person.email, "identityVerificationId": proofs[person], "newPassword": NEW_PASSWORD})

    def enters(person: Person, password: str) -> bool:
        body = {"email": person.email, "password": password, "recaptchaToken": "sandbox-pass"}
        return person.call("POST", "/auth/login", json=body).status_code == 200

    def kept(person: Person) -> list[str]:
        row, = query(f"SELECT (SELECT count(*) FROM user_service.identity_uses WHERE user_id = '{ids[person]}' "
                     f"AND used_at > (SELECT created_at FROM user_service.users WHERE id = '{ids[person]}')), "
                     f"(SELECT count(*) FROM user_service.mails WHERE user_id = '{ids[person]}' "
                     "AND kind = 'PASSWORD_CHANGED')")
        return row

    told = killed_meanwhile(stack, people, reset, writers_wait(stack, query, PROOFS))
    for person, answer in zip(people, told):
        there = kept(person)
        assert there[1] in ("0", "1")
        assert enters(person, PASSWORD) == (there[1] == "0")
        assert answer is None or answer.status_code != 204 or there[1] == "1"
    for person in people:
        wait_for("the new password", lambda: reset(person).status_code == 204)
        assert enters(person, NEW_PASSWORD) and not enters(person, PASSWORD)
        assert kept(person)[1] == "1"
        assert person.call("GET", "/users/me").status_code == 401


def test_user_service_killed_while_people_withdraw_leaves_all_or_nothing(stack, people, query):
    """Whoever is told that the account is closed has lost it; of whoever is told nothing it is closed whole or not at all,
    and asking again closes it."""
    each(people, lambda person: (person.sign_up(), person.log_in()))
    ids = {person.email: person.call("GET", "/users/me").json()["id"] for person in people}
    told = killed_meanwhile(stack, people, lambda person: person.call("DELETE", "/users/me").status_code)
    for person, answer in zip(people, told):
        row, = query(f"SELECT status, (SELECT count(*) FROM user_service.refresh_tokens AS t WHERE t.user_id = u.id "
                     f"AND t.revoked_at IS NULL) FROM user_service.users AS u WHERE id = '{ids[person.email]}'")
        assert row in (["ACTIVE", "1"], ["DELETED", "0"])
        assert answer != 204 or row[0] == "DELETED"
        wait_for("the end of the account", lambda: person.call("DELETE", "/users/me").status_code in (204, 401))
        assert person.call("GET", "/users/me").status_code == 401
        assert query(f"SELECT status FROM user_service.users WHERE id = '{ids[person.email]}'") == [["DELETED"]]


def test_nobody_withdraws_while_it_is_not_known_what_would_be_lost(stack, base_url, sandbox_url):
    person = Person(base_url, sandbox_url)
    person.sign_up()
    person.log_in()
    pools = ("reservation-1", "reservation-2")
    try:
        for pool in pools:
            sv(stack, "down", pool)
        await_(lambda: not any(service_pid(stack, pool) for pool in pools))
        answer = person.call("DELETE", "/users/me?withTickets=true")
        assert (answer.status_code, answer.json()["code"]) == (503, "SERVICE_UNAVAILABLE")
        assert int(answer.headers["Retry-After"]) > 0
        assert person.call("GET", "/users/me").status_code == 200
    finally:
        for pool in pools:
            sv(stack, "up", pool)
    await_(lambda: healthy(stack))
    assert person.call("DELETE", "/users/me").status_code == 204


def test_user_service_killed_while_social_logins_are_linked_leaves_all_or_nothing(stack, base_url, sandbox_url, query):
    """An account with its link, consents and session, or nothing; and asking again with the same body leads there."""
    visitors = [Visitor(base_url, sandbox_url, provider) for provider in ("kakao", "naver", "google") * 4]
    bodies = dict(zip(visitors, each(visitors, lambda visitor: visitor.link_body(visitor.visit().json()["linkToken"]))))

    def link(visitor: Visitor) -> requests.Response:
        return visitor.call("POST", "/auth/oauth2/link", json=bodies[visitor])

    def made(visitor: Visitor) -> list[str]:
        row, = query(
            "SELECT count(*), count(DISTINCT o.user_id), count(DISTINCT t.user_id), count(DISTINCT r.user_id) "
            "FROM user_service.oauth_accounts AS o "
            "LEFT JOIN user_service.terms_agreements AS t ON t.user_id = o.user_id AND t.type = 'SERVICE' "
            "LEFT JOIN user_service.refresh_tokens AS r ON r.user_id = o.user_id AND r.rotated_at IS NULL "
            f"WHERE o.provider = '{visitor.provider.upper()}' AND o.subject = '{visitor.subject}'")
        return row

    accounts = int(query("SELECT count(*) FROM user_service.users")[0][0])
    told = killed_meanwhile(stack, visitors, link)
    there = [made(visitor) for visitor in visitors]
    assert all(row in (["0", "0", "0", "0"], ["1", "1", "1", "1"]) for row in there), there
    assert int(query("SELECT count(*) FROM user_service.users")[0][0]) == accounts + sum(int(row[1]) for row in there)
    for visitor, answer, row in zip(visitors, told, there):
        assert answer is None or answer.status_code != 200 or row[0] == "1"
        wait_for("the link", lambda: link(visitor).status_code == 200)
        assert made(visitor)[1:] == ["1", "1", "1"]
    assert int(query("SELECT count(*) FROM user_service.users")[0][0]) == accounts + len(visitors)
