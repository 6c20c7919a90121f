"""People for end-to-end tests: they sign up, log in, and carry their token. Used by several test files."""
import base64
import hashlib
import hmac
import json
import secrets
import time
import uuid

import requests
import requests.adapters

from stack_tools import keys_in_use

PASSWORD = "correct-Horse-7-battery"
TIMEOUT_S = 30


class From(requests.adapters.HTTPAdapter):
    """From another address of this host."""

    def __init__(self, address: str):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


class Person:
    """Someone with an e-mail address, a phone and a way to prove who they are."""

    def __init__(self, base_url: str, sandbox_url: str, name: str = "홍길동"):
        self.base_url = base_url
        self.sandbox_url = sandbox_url
        self.name = name
        self.email = f"{secrets.token_hex(8)}@example.com"
        self.phone = f"010{secrets.randbelow(10**8):08}"
        self.session = requests.Session()

    def call(self, method: str, path: str, **kwargs) -> requests.Response:
        return self.session.request(method, self.base_url + path, timeout=TIMEOUT_S, **kwargs)

    def verify_identity(self, **changes) -> str:
        person = {"name": self.name, "phone": self.phone, "birthDate": "1990-01-01", "ci": f"ci-{self.email}"} | changes
        answer = requests.post(f"{self.sandbox_url}/sandbox/identity-verifications", json=person, timeout=TIMEOUT_S)
        answer.raise_for_status()
        return answer.json()["identityVerificationId"]

    def agreements(self) -> list[dict]:
        terms = self.call("GET", "/auth/terms").json()["terms"]
        return [{"type": item["type"], "version": item["version"], "agreed": item["required"]} for item in terms]

    def sign_up_body(self, **changes) -> dict:
        body = {
            "email": self.email,
            "password": PASSWORD,
            "name": self.name,
            "phone": self.phone,
            "agreements": self.agreements(),
            "recaptchaToken": "sandbox-pass",
        } | changes
        if "identityVerificationId" not in body:
            body["identityVerificationId"] = self.verify_identity()
        return body

    def sign_up(self) -> dict:
        answer = self.call("POST", "/auth/signup", json=self.sign_up_body())
        assert answer.status_code == 201, answer.text
        return answer.json()

    def log_in(self) -> dict:
        answer = self.call("POST", "/auth/login",
                           json={"email": self.email, "password": PASSWORD, "recaptchaToken": "sandbox-pass"})
        assert answer.status_code == 200, answer.text
        self.session.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        return answer.json()


class Visitor(Person):
    """Somebody with an account at a provider, and a browser that keeps cookies and follows redirects one by one."""

    def __init__(self, base_url: str, sandbox_url: str, provider: str):
        super().__init__(base_url, sandbox_url)
        self.provider = provider
        self.subject = str(secrets.randbelow(10**12))
        self.introduce(provider)

    def introduce(self, provider: str) -> None:
        body = {"subject": self.subject, "email": self.email, "name": self.name}
        requests.post(f"{self.sandbox_url}/sandbox/oauth/{provider}/users", json=body, timeout=TIMEOUT_S).raise_for_status()

    def start(self, provider: str | None = None) -> str:
        """Where the browser is sent."""
        answer = self.call("GET", f"/auth/oauth2/{provider or self.provider}", params={"sandbox_user": self.subject},
                           allow_redirects=False)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def consent(self, address: str) -> str:
        """Where the provider sends it back to."""
        answer = requests.get(address, allow_redirects=False, timeout=TIMEOUT_S)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def come_back(self, address: str, session: requests.Session | None = None) -> requests.Response:
        return (session or self.session).get(address, timeout=TIMEOUT_S, allow_redirects=False)

    def visit(self, provider: str | None = None) -> requests.Response:
        return self.come_back(self.consent(self.start(provider)))

    def link_body(self, link_token: str, **changes) -> dict:
        return {"linkToken": link_token, "identityVerificationId": self.verify_identity(), "email": self.email,
                "agreements": self.agreements()} | changes

    def link(self, link_token: str, **changes) -> requests.Response:
        return self.call("POST", "/auth/oauth2/link", json=self.link_body(link_token, **changes))

    def carry(self, tokens: dict) -> None:
        self.session.headers["Authorization"] = f"Bearer {tokens['accessToken']}"


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def signed(header: dict, claims: dict | bytes, secret: str, digest: str = "sha256") -> str:
    """A JSON web token."""
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    text = f"{encoded(json.dumps(header, separators=(',', ':')).encode())}.{encoded(payload)}"
    return f"{text}.{encoded(hmac.digest(secret.encode(), text.encode(), getattr(hashlib, digest)))}"


def signing_key(stack) -> tuple[str, str]:
    """Name and secret of a key whose tokens the stack takes: the newest shared secret that is in use."""
    return next(found for found in keys_in_use(stack, "jwt-keys") if not found[1].startswith("ES256:"))


def access_token(stack, user_id: str, role: str = "USER") -> str:
    """What a log-in would give: a crowd that signs up costs minutes of bcrypt."""
    kid, secret = signing_key(stack)
    now = int(time.time())
    claims = {"iss": "boxoffice", "aud": "boxoffice", "typ": "access", "sub": user_id, "jti": str(uuid.uuid4()),
              "iat": now, "nbf": now, "exp": now + 3600, "role": role}
    return signed({"alg": "HS256", "typ": "JWT", "kid": kid}, claims, secret)


def assert_error(answer: requests.Response, status: int, code: str) -> dict:
    """The contract's error body, whoever made it."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["code"] == code
    assert body["message"] and body["timestamp"]
    assert body["traceId"] == answer.headers["X-Trace-Id"]
    return body


# Bodies that are refused before anybody looks at their meaning: (name, bytes, content type, status).
MALFORMED = [
    ("empty", b"", "application/json", 400),
    ("not JSON", b"email=kim@example.com", "application/json", 400),
    ("cut short", b'{"email":"kim@exa', "application/json", 400),
    ("something after it", b'{} {}', "application/json", 400),
    ("an array", b"[]", "application/json", 400),
    ("a comment", b'{/* */}', "application/json", 400),
    ("single quotes", b"{'email':'kim@example.com'}", "application/json", 400),
    ("not a number", b'{"email":NaN}', "application/json", 400),
    ("a field twice", b'{"email":"a@example.com","email":"b@example.com"}', "application/json", 400),
    ("escaped NUL", b'{"email":"kim\\u0000@example.com"}', "application/json", 400),
    ("raw NUL", b'{"email":"kim\x00@example.com"}', "application/json", 400),
    ("raw control character", b'{"email":"kim\x01@example.com"}', "application/json", 400),
    ("lone surrogate", b'{"email":"\\ud800"}', "application/json", 400),
    ("bad UTF-8", b'{"email":"\xff\xfe"}', "application/json", 400),
    ("nested too deep", b'{"email":' + b"[" * 17 + b"]" * 17 + b"}", "application/json", 400),
    ("another content type", b'{"email":"kim@example.com"}', "text/plain", 415),
]
