"""Social login through the gateway, with the stand-ins of Kakao, Naver and Google (AUTH-007)."""
import secrets
import urllib.parse

import pytest
import requests

from people import PASSWORD, TIMEOUT_S, Person, Visitor, assert_error
from stack_tools import await_

PROVIDERS = ("kakao", "naver", "google")


@pytest.fixture(params=PROVIDERS)
def visitor(request, base_url, sandbox_url):
    return Visitor(base_url, sandbox_url, request.param)


@pytest.fixture
def google(base_url, sandbox_url):
    return Visitor(base_url, sandbox_url, "google")


@pytest.fixture
def faults(sandbox_url):
    def order(**fault):
        requests.post(f"{sandbox_url}/sandbox/faults", json=fault, timeout=TIMEOUT_S).raise_for_status()

    yield order
    requests.delete(f"{sandbox_url}/sandbox/faults", timeout=TIMEOUT_S).raise_for_status()


def query_of(address: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query, strict_parsing=True))


def test_social_sign_up_login_link_and_unlink(visitor, base_url, sandbox_url):
    # A first visit, which ends with a short sign-up: name and phone are the verified ones.
    offer = visitor.visit()
    assert offer.status_code == 200 and offer.headers["Cache-Control"] == "no-store"
    assert 0 < offer.json()["expiresIn"] <= 1800
    assert offer.json()["email"] == visitor.email and offer.json()["name"] == visitor.name
    answer = visitor.link(offer.json()["linkToken"])
    assert answer.status_code == 200, answer.text
    visitor.carry(answer.json())
    profile = visitor.call("GET", "/users/me").json()
    assert (profile["email"], profile["name"], profile["phone"]) == (visitor.email, visitor.name, visitor.phone)
    assert profile["linkedProviders"] == [visitor.provider.upper()]

    # From now on a visit is a login.
    again = visitor.visit()
    assert again.status_code == 200 and again.json()["tokenType"] == "Bearer", again.text
    visitor.carry(again.json())
    assert visitor.call("GET", "/users/me").json()["id"] == profile["id"]
    login = visitor.call("GET", "/users/me/logins").json()["list"][0]
    assert (login["method"], login["result"]) == (visitor.provider.upper(), "SUCCESS")

    # It is the only way in, until there is another.
    path = f"/users/me/oauth2/{visitor.provider}"
    assert_error(visitor.call("DELETE", path), 409, "LAST_WAY_IN")
    other = PROVIDERS[(PROVIDERS.index(visitor.provider) + 1) % 3]
    visitor.introduce(other)
    answer = visitor.link(visitor.visit(other).json()["linkToken"])
    assert answer.status_code == 200, answer.text
    assert visitor.call("GET", "/users/me").json()["linkedProviders"] == sorted([visitor.provider.upper(), other.upper()])
    assert visitor.call("DELETE", path).status_code == 204
    assert visitor.call("DELETE", path).status_code == 204
    assert visitor.call("GET", "/users/me").json()["linkedProviders"] == [other.upper()]
    assert "linkToken" in visitor.visit().json()


def test_social_login_is_linked_to_the_account_of_the_same_person(visitor):
    created = visitor.sign_up()
    token = visitor.visit().json()["linkToken"]
    answer = visitor.call("POST", "/auth/oauth2/link",
                          json={"linkToken": token, "identityVerificationId": visitor.verify_identity()})
    assert answer.status_code == 200, answer.text
    visitor.carry(answer.json())
    assert visitor.call("GET", "/users/me").json()["id"] == created["id"]
    # There is a password: the link may go.
    assert visitor.call("DELETE", f"/users/me/oauth2/{visitor.provider}").status_code == 204
    visitor.log_in()


def test_social_authorize_asks_as_the_providers_want_it(visitor, base_url):
    address = visitor.start()
    asked = query_of(address)
    assert asked["response_type"] == "code" and asked["client_id"] == "sandbox-client" and len(asked["state"]) == 43
    assert asked["redirect_uri"] == f"{base_url}/auth/oauth2/{visitor.provider}/callback"
    openid = visitor.provider != "naver"
    assert (asked.get("code_challenge_method") == "S256" and len(asked["code_challenge"]) == 43) == openid
    assert ("nonce" in asked and "openid" in asked["scope"].split()) == openid
    cookie, = [cookie for cookie in visitor.session.cookies if cookie.name == "boxoffice_social"]
    assert cookie.path == "/auth/oauth2" and cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert asked["state"] not in cookie.value and cookie.value not in address


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"X-Forwarded-Host": "evil.example"},
                                    {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/"}])
def test_social_login_sends_nobody_elsewhere(google, base_url, header):
    answer = google.call("GET", "/auth/oauth2/google", headers=header, allow_redirects=False)
    assert answer.status_code == 302
    assert query_of(answer.headers["Location"])["redirect_uri"] == f"{base_url}/auth/oauth2/google/callback"
    for name in ("redirect_uri", "returnTo", "next"):
        refused = google.call("GET", "/auth/oauth2/google", params={name: "https://evil.example/"}, allow_redirects=False)
        assert_error(refused, 400, "INVALID_REQUEST")


def test_social_state_comes_back_once(google):
    address = google.consent(google.start())
    cookies = google.session.cookies.copy()
    assert google.come_back(address).status_code == 200
    assert "boxoffice_social" not in google.session.cookies
    google.session.cookies = cookies
    assert_error(google.come_back(address), 400, "SOCIAL_STATE_INVALID")


def test_social_state_is_of_one_browser(google):
    address = google.consent(google.start())
    assert_error(google.come_back(address, requests.Session()), 400, "SOCIAL_STATE_INVALID")
    # Whoever was sent somebody else's way back has begun another way.
    victim = requests.Session()
    victim.get(f"{google.base_url}/auth/oauth2/google", timeout=TIMEOUT_S, allow_redirects=False)
    assert_error(google.come_back(google.consent(google.start()), victim), 400, "SOCIAL_STATE_INVALID")


def test_social_state_is_of_one_provider(google):
    google.introduce("kakao")
    address = google.consent(google.start("kakao")).replace("/kakao/", "/google/")
    assert_error(google.come_back(address), 400, "SOCIAL_STATE_INVALID")


@pytest.mark.parametrize("query", ["", "code=c", "state=s", "code=c&state=s", "error=access_denied", "state=" + "s" * 201])
def test_social_callback_that_nobody_began_is_refused(google, query):
    code = "INVALID_REQUEST" if len(query) > 200 else "SOCIAL_STATE_INVALID"
    assert_error(google.call("GET", f"/auth/oauth2/google/callback?{query}"), 400, code)


def test_social_login_that_is_declined_or_has_no_valid_code_is_refused(visitor):
    back = query_of(visitor.start())
    address = f"{back['redirect_uri']}?error=access_denied&state={back['state']}"
    assert_error(visitor.come_back(address), 400, "SOCIAL_LOGIN_REFUSED")
    back = query_of(visitor.start())
    assert_error(visitor.come_back(f"{back['redirect_uri']}?code=garbage&state={back['state']}"), 400, "SOCIAL_LOGIN_REFUSED")


def test_social_code_works_once(google):
    back = query_of(google.consent(google.start()))
    fresh = query_of(google.start())
    answer = google.come_back(f"{fresh['redirect_uri']}?code={back['code']}&state={fresh['state']}")
    assert_error(answer, 400, "SOCIAL_LOGIN_REFUSED")  # of another attempt: its verifier is another


def test_social_link_token_must_be_one(google):
    assert_error(google.link("no-such-token"), 400, "LINK_TOKEN_INVALID")


def test_social_link_of_a_new_person_asks_for_what_is_missing(google):
    token = google.visit().json()["linkToken"]
    bare = {"linkToken": token, "identityVerificationId": google.verify_identity()}
    problem = assert_error(google.call("POST", "/auth/oauth2/link", json=bare), 400, "INVALID_REQUEST")
    assert {detail["field"] for detail in problem["details"]} == {"email"}
    assert_error(google.link(token, agreements=[]), 400, "TERMS_REQUIRED")
    assert_error(google.link(token, name="다른 사람"), 400, "IDENTITY_NOT_VERIFIED")
    for extra in ({"role": "ADMIN"}, {"id": "1"}, {"status": "ACTIVE"}, {"provider": "KAKAO"}, {"subject": "1"}):
        assert_error(google.link(token, **extra), 400, "INVALID_REQUEST")
    assert google.link(token).status_code == 200


def test_social_link_that_is_repeated_is_done(google):
    body = google.link_body(google.visit().json()["linkToken"])
    first, second = (google.call("POST", "/auth/oauth2/link", json=body) for _ in range(2))
    assert first.status_code == second.status_code == 200, second.text
    ids = set()
    for answer in (first, second):
        google.carry(answer.json())
        ids.add(google.call("GET", "/users/me").json()["id"])
    assert len(ids) == 1


def test_social_login_of_somebody_else_cannot_be_linked_too(google, base_url, sandbox_url):
    token = google.visit().json()["linkToken"]
    assert google.link(token).status_code == 200
    other = Person(base_url, sandbox_url)
    other.sign_up()
    body = {"linkToken": token, "identityVerificationId": other.verify_identity()}
    assert_error(other.call("POST", "/auth/oauth2/link", json=body), 409, "SOCIAL_ALREADY_LINKED")


def test_social_login_without_a_password_gets_one_by_reset(google):
    google.carry(google.link(google.visit().json()["linkToken"]).json())
    change = {"currentPassword": PASSWORD, "newPassword": PASSWORD + "!"}
    assert_error(google.call("PUT", "/users/me/password", json=change), 409, "PASSWORD_NOT_SET")
    reset = {"email": google.email, "identityVerificationId": google.verify_identity(), "newPassword": PASSWORD}
    assert google.call("POST", "/auth/password/reset", json=reset).status_code == 204
    google.log_in()
    assert google.call("DELETE", "/users/me/oauth2/google").status_code == 204


def test_sleeping_account_without_a_password_is_woken_by_its_verified_owner(google, query):
    google.carry(google.link(google.visit().json()["linkToken"]).json())
    user_id = google.call("GET", "/users/me").json()["id"]
    query(f"UPDATE user_service.users SET status = 'DORMANT' WHERE id = '{user_id}'")
    visit = google.visit().json()
    assert visit["dormant"] is True
    answer = google.call("POST", "/auth/oauth2/link", json={"linkToken": visit["linkToken"],
                                                            "identityVerificationId": google.verify_identity()})
    assert answer.status_code == 200, answer.text
    assert google.visit().json()["tokenType"] == "Bearer"


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"loseAnswer": True}])
def test_social_provider_that_is_away_is_told_and_changes_nothing(google, faults, fault):
    address = google.consent(google.start())
    faults(target="oauth", operation="token", times=1, **fault)
    answer = google.come_back(address)
    assert_error(answer, 503, "SERVICE_UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "linkToken" in google.visit().json()


def test_social_provider_that_does_not_exist_is_not_found(google):
    for path in ("/auth/oauth2/facebook", "/auth/oauth2/facebook/callback", "/auth/oauth2/KAKAO"):
        assert_error(google.call("GET", path), 404, "NOT_FOUND")


def test_social_codes_and_states_are_in_no_log(google, stack):
    address = google.consent(google.start())
    back = query_of(address)
    answer = google.come_back(address)
    assert answer.status_code == 200

    def kept() -> str:
        return "".join(path.read_text(errors="replace") for path in stack.log.rglob("*") if path.is_file())

    await_(lambda: answer.headers["X-Trace-Id"] in (stack.log / "nginx-access" / "current").read_text(errors="replace"))
    text = kept()
    assert "/auth/oauth2/google/callback" in text
    assert not [name for name in ("code", "state") if back[name] in text]
    assert answer.json()["linkToken"] not in text and google.email not in text
