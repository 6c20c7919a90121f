"""Sign-up, login, refresh and logout through the gateway (AUTH-001..006, AUTH-008..012)."""
import base64
import json
import unicodedata
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from people import MALFORMED, PASSWORD, Person, assert_error


@pytest.fixture
def person(base_url, sandbox_url):
    return Person(base_url, sandbox_url)


@pytest.fixture
def member(person):
    person.sign_up()
    return person


def test_terms_name_what_must_be_agreed_to(person):
    terms = {item["type"]: item for item in person.call("GET", "/auth/terms").json()["terms"]}
    assert terms["SERVICE"]["required"] and terms["PRIVACY"]["required"] and not terms["MARKETING"]["required"]
    assert all(item["title"] and item["body"] and item["version"] >= 1 for item in terms.values())


def test_sign_up_login_and_profile_of_a_new_person(person):
    created = person.sign_up()
    assert created["email"] == person.email and created["name"] == person.name
    tokens = person.log_in()
    assert tokens["expiresIn"] == 3600 and tokens["tokenType"] == "Bearer"
    profile = person.call("GET", "/users/me").json()
    assert profile["id"] == created["id"]
    assert profile["email"] == person.email
    assert profile["phone"] == person.phone
    assert profile["role"] == "USER"
    assert profile["linkedProviders"] == []
    assert profile["createdAt"].endswith("+09:00")


def test_email_check_tells_taken_from_free(member, base_url, sandbox_url):
    def available(email):
        return member.call("POST", "/auth/email/check", json={"email": email}).json()["available"]

    assert not available(member.email)
    assert not available(member.email.upper())
    assert available(Person(base_url, sandbox_url).email)


def test_sign_up_with_a_taken_email_is_a_conflict(member, base_url, sandbox_url):
    other = Person(base_url, sandbox_url)
    assert_error(other.call("POST", "/auth/signup", json=other.sign_up_body(email=member.email)), 409, "EMAIL_TAKEN")


def test_sign_up_of_one_person_twice_is_a_conflict(base_url, sandbox_url):
    ci = "ci-" + Person(base_url, sandbox_url).email
    first, second = Person(base_url, sandbox_url), Person(base_url, sandbox_url)
    body = first.sign_up_body(identityVerificationId=first.verify_identity(ci=ci))
    assert first.call("POST", "/auth/signup", json=body).status_code == 201
    body = second.sign_up_body(identityVerificationId=second.verify_identity(ci=ci))
    assert_error(second.call("POST", "/auth/signup", json=body), 409, "PERSON_ALREADY_REGISTERED")


def test_sign_up_of_one_email_by_many_at_once_makes_one_account(person):
    bodies = [person.sign_up_body() for _ in range(6)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda body: Person(person.base_url, person.sandbox_url).call(
            "POST", "/auth/signup", json=body).status_code, bodies))
    assert sorted(answers) == [201] + [409] * 5


def test_sign_up_tells_nothing_of_accounts_before_the_identity(member, base_url, sandbox_url):
    other = Person(base_url, sandbox_url)
    body = other.sign_up_body(email=member.email, identityVerificationId="identity-verification-unknown")
    assert_error(other.call("POST", "/auth/signup", json=body), 400, "IDENTITY_NOT_VERIFIED")


@pytest.mark.parametrize("typed, verified", [("NFC", "NFD"), ("NFD", "NFC")])
def test_name_and_password_are_the_same_in_every_normal_form(person, typed, verified):
    def spelt(form, text):
        return unicodedata.normalize(form, text)

    password = "비밀번호 é  8"
    identity = person.verify_identity(name=spelt(verified, "김 유진"))
    body = person.sign_up_body(name=f" {spelt(typed, '김  유진')}\u00a0", password=spelt(typed, password),
                               identityVerificationId=identity)
    answer = person.call("POST", "/auth/signup", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "김 유진"
    for attempt, status in [(spelt("NFC", password), 200), (spelt("NFD", password), 200),
                            (password.replace("  ", " "), 401), (password + " ", 401)]:
        login = {"email": f" {person.email}\u3000", "password": attempt, "recaptchaToken": "sandbox-pass"}
        assert person.call("POST", "/auth/login", json=login).status_code == status, attempt


def test_phone_has_one_form_and_is_the_verified_one(person):
    local = person.phone.removeprefix("0")
    for wrong in ("01000000000" if local != "1000000000" else "01000000001", "1" + local, "+1 " + local):
        assert person.call("POST", "/auth/signup", json=person.sign_up_body(phone=wrong)).status_code == 400, wrong
    answer = person.call("POST", "/auth/signup", json=person.sign_up_body(phone="82" + local))
    assert answer.status_code == 201, answer.text
    person.log_in()
    assert person.call("GET", "/users/me").json()["phone"] == person.phone


@pytest.mark.parametrize("changes, code", [
    ({"recaptchaToken": "sandbox-fail"}, "CAPTCHA_FAILED"),
    ({"identityVerificationId": "identity-verification-unknown"}, "IDENTITY_NOT_VERIFIED"),
    ({"name": "다른 사람"}, "IDENTITY_NOT_VERIFIED"),
    ({"phone": "01000000000"}, "IDENTITY_NOT_VERIFIED"),
    ({"agreements": []}, "TERMS_REQUIRED"),
    ({"agreements": [{"type": "SERVICE", "version": 1, "agreed": True}]}, "TERMS_REQUIRED"),
    ({"agreements": [{"type": "SERVICE", "version": 999, "agreed": True}]}, "TERMS_REQUIRED"),
    ({"email": "kim"}, "INVALID_REQUEST"),
    ({"email": 7}, "INVALID_REQUEST"),
    ({"email": None}, "INVALID_REQUEST"),
    ({"password": "short"}, "INVALID_REQUEST"),
    ({"password": "x" * 73}, "INVALID_REQUEST"),
    ({"password": "P@ssw0rd2024"}, "INVALID_REQUEST"),
    ({"password": "홍길동홍길동!1"}, "INVALID_REQUEST"),
    ({"phone": "not a number"}, "INVALID_REQUEST"),
    ({"name": "   "}, "INVALID_REQUEST"),
    ({"name": "\u3164\u200b"}, "INVALID_REQUEST"),
    ({"name": "이름" * 50}, "INVALID_REQUEST"),
    ({"agreements": "all"}, "INVALID_REQUEST"),
    ({"agreements": [{"type": "OTHER", "version": 1, "agreed": True}]}, "INVALID_REQUEST"),
    ({"agreements": [{"type": "SERVICE", "version": 1, "agreed": True, "extra": 1}]}, "INVALID_REQUEST"),
    ({"emailVerificationToken": "forged"}, "INVALID_REQUEST"),
    ({"ci": "forged"}, "INVALID_REQUEST"),
    ({"role": "ADMIN"}, "INVALID_REQUEST"),
])
def test_sign_up_that_is_refused_leaves_nothing(person, changes, code):
    body = person.sign_up_body()
    body.update(changes)
    assert_error(person.call("POST", "/auth/signup", json=body), 400, code)
    assert person.call("POST", "/auth/email/check", json={"email": person.email}).json() == {"available": True}


@pytest.mark.parametrize("field", ["email", "password", "name", "phone", "agreements", "recaptchaToken",
                                   "identityVerificationId"])
def test_sign_up_without_a_field_names_it(person, field):
    body = person.sign_up_body(identityVerificationId="unused")
    del body[field]
    error = assert_error(person.call("POST", "/auth/signup", json=body), 400, "INVALID_REQUEST")
    assert [detail["field"] for detail in error["details"]] == [field]


@pytest.mark.parametrize("path", ["/auth/signup", "/auth/login", "/auth/refresh", "/auth/email/check"])
@pytest.mark.parametrize("body, content_type, status", [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_malformed_body_is_refused_and_the_service_lives(person, path, body, content_type, status):
    answer = person.call("POST", path, data=body, headers={"Content-Type": content_type})
    assert_error(answer, status, "INVALID_REQUEST" if status == 400 else "UNSUPPORTED_MEDIA_TYPE")
    assert person.call("GET", "/auth/terms").status_code == 200


def test_body_over_ten_kilobytes_is_too_large(person):
    answer = person.call("POST", "/auth/signup", json={"email": "x" * 20000})
    assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


def test_login_with_a_wrong_password_or_email_is_refused_alike(member):
    def attempt(**changes):
        body = {"email": member.email, "password": PASSWORD, "recaptchaToken": "sandbox-pass"} | changes
        return member.call("POST", "/auth/login", json=body)

    wrong = assert_error(attempt(password="wrong-horse"), 401, "BAD_CREDENTIALS")
    unknown = assert_error(attempt(email="nobody@example.com"), 401, "BAD_CREDENTIALS")
    assert wrong["message"] == unknown["message"]
    assert_error(attempt(recaptchaToken="sandbox-fail"), 400, "CAPTCHA_FAILED")


def refresh(person, token):
    return person.call("POST", "/auth/refresh", json={"refreshToken": token})


def me(person, token):
    return person.call("GET", "/users/me", headers={"Authorization": f"Bearer {token}"})


def test_refresh_rotates_and_reuse_ends_the_session(member):
    first = member.log_in()
    other = member.log_in()
    second = refresh(member, first["refreshToken"]).json()
    third = refresh(member, second["refreshToken"]).json()
    assert me(member, third["accessToken"]).status_code == 200
    assert_error(refresh(member, first["refreshToken"]), 401, "REFRESH_REUSED")
    assert_error(refresh(member, third["refreshToken"]), 401, "TOKEN_REVOKED")
    assert_error(me(member, third["accessToken"]), 401, "TOKEN_REVOKED")
    assert refresh(member, other["refreshToken"]).status_code == 200


def test_refresh_sent_several_times_at_once_keeps_the_session(member):
    first = member.log_in()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(member, first["refreshToken"]), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len({answer.json()["refreshToken"] for answer in answers}) == 1
    assert refresh(member, answers[0].json()["refreshToken"]).status_code == 200


def test_sessions_are_seen_and_ended_by_their_owner_only(member, base_url, sandbox_url):
    stranger = Person(base_url, sandbox_url)
    stranger.sign_up()
    stranger.log_in()
    other = member.log_in()
    current = member.log_in()
    sessions = member.call("GET", "/users/me/sessions").json()
    assert sessions["totalElements"] == 2
    assert [one["current"] for one in sessions["list"]].count(True) == 1
    assert all(one["ip"] and one["userAgent"] and one["createdAt"] <= one["expiresAt"] for one in sessions["list"])
    path = "/users/me/sessions/" + next(one["id"] for one in sessions["list"] if not one["current"])
    assert_error(stranger.call("DELETE", path), 404, "NOT_FOUND")
    assert me(member, other["accessToken"]).status_code == 200
    assert member.call("DELETE", path).status_code == 204
    assert member.call("DELETE", path).status_code == 204
    assert_error(me(member, other["accessToken"]), 401, "TOKEN_REVOKED")
    assert_error(refresh(member, other["refreshToken"]), 401, "TOKEN_REVOKED")
    assert me(member, current["accessToken"]).status_code == 200


def test_logging_out_everywhere_ends_every_session(member):
    sessions = [member.log_in(), member.log_in()]
    assert member.call("DELETE", "/users/me/sessions").status_code == 204
    for one in sessions:
        assert_error(me(member, one["accessToken"]), 401, "TOKEN_REVOKED")
        assert_error(refresh(member, one["refreshToken"]), 401, "TOKEN_REVOKED")


def test_password_change_ends_every_other_session(member):
    other, current = member.log_in(), member.log_in()

    def change(current_password, new_password):
        return member.call("PUT", "/users/me/password",
                           json={"currentPassword": current_password, "newPassword": new_password})

    assert_error(change("wrong horse", "battery staple"), 401, "BAD_CREDENTIALS")
    assert_error(change(PASSWORD, "short"), 400, "INVALID_REQUEST")
    assert_error(change(PASSWORD, PASSWORD), 400, "INVALID_REQUEST")
    assert me(member, other["accessToken"]).status_code == 200
    assert change(PASSWORD, "battery staple").status_code == 204
    assert_error(me(member, other["accessToken"]), 401, "TOKEN_REVOKED")
    assert_error(refresh(member, other["refreshToken"]), 401, "TOKEN_REVOKED")
    assert me(member, current["accessToken"]).status_code == 200
    assert refresh(member, current["refreshToken"]).status_code == 200
    body = {"email": member.email, "password": PASSWORD, "recaptchaToken": "sandbox-pass"}
    assert_error(member.call("POST", "/auth/login", json=body), 401, "BAD_CREDENTIALS")
    assert member.call("POST", "/auth/login", json=body | {"password": "battery staple"}).status_code == 200


def test_password_reset_takes_the_verified_owner_only(base_url, sandbox_url):
    owner, thief = Person(base_url, sandbox_url), Person(base_url, sandbox_url)
    ci = "ci-" + owner.email
    body = owner.sign_up_body(identityVerificationId=owner.verify_identity(ci=ci))
    assert owner.call("POST", "/auth/signup", json=body).status_code == 201
    before = owner.log_in()

    def reset(verification, email=owner.email, password="battery staple"):
        return owner.call("POST", "/auth/password/reset", json={
            "email": email, "identityVerificationId": verification, "newPassword": password})

    assert_error(reset(body["identityVerificationId"]), 400, "IDENTITY_NOT_VERIFIED")

    stolen = assert_error(reset(thief.verify_identity()), 400, "IDENTITY_NOT_VERIFIED")
    nobody = assert_error(reset(thief.verify_identity(), "nobody@example.com"), 400, "IDENTITY_NOT_VERIFIED")
    assert stolen["details"] == nobody["details"]
    assert me(owner, before["accessToken"]).status_code == 200
    verification = owner.verify_identity(ci=ci)
    assert reset(verification).status_code == 204
    assert reset(verification).status_code == 204  # an answer that was lost
    assert_error(reset(verification, password="another way 9 in"), 400, "IDENTITY_NOT_VERIFIED")
    assert_error(me(owner, before["accessToken"]), 401, "TOKEN_REVOKED")
    login = {"email": owner.email, "password": "battery staple", "recaptchaToken": "sandbox-pass"}
    assert owner.call("POST", "/auth/login", json=login).status_code == 200


def test_logins_are_listed_with_those_that_failed(member):
    member.log_in()
    body = {"email": member.email, "password": "wrong horse", "recaptchaToken": "sandbox-pass"}
    assert_error(member.call("POST", "/auth/login", json=body), 401, "BAD_CREDENTIALS")
    logins = member.call("GET", "/users/me/logins?size=5").json()
    assert [one["result"] for one in logins["list"]] == ["BAD_PASSWORD", "SUCCESS"]
    assert all(one["ip"] and one["method"] == "PASSWORD" for one in logins["list"])


def test_agreements_are_kept_with_version_and_time_and_optional_ones_withdrawn(member):
    def decide(**decision):
        return member.call("PUT", "/users/me/agreements", json={"agreements": [{"version": 1} | decision]})

    def decisions():
        answer = member.call("GET", "/users/me/agreements").json()
        return {one["type"]: one for one in answer["agreements"]}

    member.log_in()
    signed = decisions()
    assert signed["SERVICE"]["agreed"] and signed["PRIVACY"]["agreed"]
    assert all(one["version"] == 1 and one["decidedAt"].endswith("+09:00") for one in signed.values())
    assert decide(type="MARKETING", agreed=True).status_code == 200
    agreed = decisions()["MARKETING"]
    assert agreed["agreed"]
    assert decide(type="MARKETING", agreed=True).status_code == 200
    assert decisions()["MARKETING"] == agreed  # the same decision again is none
    assert decide(type="MARKETING", agreed=False).json()["agreements"][-1]["agreed"] is False
    assert_error(decide(type="SERVICE", agreed=False), 400, "TERMS_REQUIRED")
    assert_error(decide(type="MARKETING", agreed=True, version=2), 400, "TERMS_REQUIRED")
    assert_error(decide(type="OTHER", agreed=True), 400, "INVALID_REQUEST")
    after = decisions()
    assert not after["MARKETING"]["agreed"] and after["SERVICE"] == signed["SERVICE"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_profile_changes_to_what_the_verified_owner_says_only(member, base_url, sandbox_url, method):
    thief = Person(base_url, sandbox_url)
    member.log_in()
    before = member.call("GET", "/users/me").json()

    def change(**fields):
        return member.call(method, "/users/me", json=fields)

    assert_error(change(), 400, "INVALID_REQUEST")
    phone = "01087654321"
    missing = assert_error(change(phone=phone), 400, "INVALID_REQUEST")
    assert [one["field"] for one in missing["details"]] == ["identityVerificationId"]
    assert_error(change(phone=phone, identityVerificationId=member.verify_identity()), 400, "IDENTITY_NOT_VERIFIED")
    assert_error(change(phone=phone, identityVerificationId=thief.verify_identity(phone=phone)), 400,
                 "IDENTITY_NOT_VERIFIED")
    for field, value in {"role": "ADMIN", "id": str(uuid.uuid4()), "status": "DORMANT", "email": "new@example.com",
                         "ci": "forged"}.items():
        assert_error(change(**{field: value}, phone=phone, identityVerificationId=member.verify_identity(phone=phone)),
                     400, "INVALID_REQUEST")
    assert member.call("GET", "/users/me").json() == before
    changed = {"phone": "010-8765-4321", "name": "홍 길순",
               "identityVerificationId": member.verify_identity(phone=phone, name="홍 길순")}
    for _ in range(2):  # an answer that was lost
        answer = change(**changed)
        assert answer.status_code == 200, answer.text
        assert answer.json() == before | {"phone": phone, "name": "홍 길순"}
    assert_error(change(phone=before["phone"], identityVerificationId=changed["identityVerificationId"]), 400,
                 "IDENTITY_NOT_VERIFIED")
    assert member.call("GET", "/users/me").json()["phone"] == phone


def test_logout_ends_this_session_only(member):
    other = member.log_in()
    tokens = member.log_in()
    answer = member.call("POST", "/auth/logout")
    assert answer.status_code == 204 and not answer.content
    assert_error(me(member, tokens["accessToken"]), 401, "TOKEN_REVOKED")
    assert_error(refresh(member, tokens["refreshToken"]), 401, "TOKEN_REVOKED")
    assert me(member, other["accessToken"]).status_code == 200


def test_role_that_the_operator_takes_is_gone_at_once(member, boxctl):
    boxctl("admin", "grant", member.email, "--unproved")
    tokens = member.log_in()
    assert_error(member.call("POST", "/venues", json={}), 400, "INVALID_REQUEST")
    boxctl("admin", "revoke", member.email)
    assert_error(member.call("POST", "/venues", json={}), 401, "TOKEN_REVOKED")
    assert me(member, tokens["accessToken"]).status_code == 200
    member.session.headers["Authorization"] = f"Bearer {refresh(member, tokens['refreshToken']).json()['accessToken']}"
    assert_error(member.call("POST", "/venues", json={}), 403, "FORBIDDEN")


def encoded(part: dict) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def test_tokens_that_are_not_ours_are_refused(member):
    tokens = member.log_in()
    header, payload, signature = tokens["accessToken"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    unsigned = f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{payload}."
    other_algorithm = f"{encoded({'alg': 'HS512', 'typ': 'JWT'})}.{payload}.{signature}"
    promoted = f"{header}.{encoded(claims | {'role': 'ADMIN'})}.{signature}"
    for token in [unsigned, other_algorithm, promoted, tokens["refreshToken"], "x", "a.b.c", "x" * 5000]:
        assert_error(me(member, token), 401, "TOKEN_INVALID")
    assert_error(refresh(member, tokens["accessToken"]), 401, "TOKEN_INVALID")
    member.session.headers.pop("Authorization")
    assert_error(member.call("GET", "/users/me"), 401, "TOKEN_MISSING")


def test_identity_headers_of_a_client_mean_nothing(person):
    forged = {"X-User-Id": "00000000-0000-7000-8000-000000000000", "X-User-Role": "ADMIN"}
    assert_error(person.call("GET", "/users/me", headers=forged), 401, "TOKEN_MISSING")


def test_unknown_path_and_method_are_told_apart(person):
    assert_error(person.call("GET", "/auth/nothing"), 404, "NOT_FOUND")
    answer = person.call("DELETE", "/auth/login")
    assert_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in answer.headers["Allow"]


def test_profile_is_read_by_many_behind_one_address(member):
    """Only what waits for others is limited there."""
    member.log_in()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: member.call("GET", "/users/me").status_code, range(160)))
    assert set(answers) == {200}


def test_message_follows_the_clients_language(person):
    korean = person.call("GET", "/users/me").json()["message"]
    english = person.call("GET", "/users/me", headers={"Accept-Language": "en"}).json()["message"]
    assert korean != english and english.isascii()
