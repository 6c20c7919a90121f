"""Input that no honest client sends, against routes of each service: the contract's error, nothing changed, every
process alive. Each request differs by one mistake from one that is answered with success."""
import base64
import dataclasses
import json
import socket
import time
import types
import urllib.parse
import uuid
from collections.abc import Callable

import psycopg
import pytest
import requests

from box_office import Buyer, ledger_of, made, moment, new_admin, new_buyer, put_on_sale
from people import PASSWORD, TIMEOUT_S, Person, encoded, signed, signing_key
from stack_tools import children

AUTH_LIMIT, LIMIT, HALL_LIMIT = 10 << 10, 64 << 10, 128 << 10


@dataclasses.dataclass
class Target:
    """A request that succeeds, and what it would change."""

    service: str
    person: Person
    path: str
    body: dict
    field: str  # one of the body's, of type string
    state: Callable  # reads what the request changes
    success: int = 201
    limit: int = LIMIT

    def post(self, data: bytes | str | None = None, **headers) -> requests.Response:
        """A header given as None is not sent. Names have "_" for "-"."""
        sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
        data = json.dumps(self.body) if data is None else data
        return self.person.call("POST", self.path, data=data, headers=sent)


# ---- one route of each service ----


@pytest.fixture(scope="module")
def world(stack, base_url, sandbox_url, boxctl):
    admin = new_admin(base_url, sandbox_url, boxctl)
    password = (stack.dir / "secrets" / "db-boxoffice_admin").read_text()
    with psycopg.connect(host=str(stack.dir / "run" / "pg"), dbname="boxoffice", user="boxoffice_admin",
                         password=password, autocommit=True) as database:
        def count(table: str, column: str, value: str) -> int:
            return database.execute(f"SELECT count(*) FROM {table} WHERE {column} = %s", [value]).fetchone()[0]
        yield types.SimpleNamespace(base_url=base_url, sandbox_url=sandbox_url, admin=admin, sale=put_on_sale(admin),
                                    count=count)


def sign_up(world) -> Target:
    person = Person(world.base_url, world.sandbox_url)
    return Target("user", person, "/auth/signup", person.sign_up_body(), "name", limit=AUTH_LIMIT,
                  state=lambda: person.call("POST", "/auth/email/check", json={"email": person.email}).json())


def login(world) -> Target:
    person = Person(world.base_url, world.sandbox_url)
    user = person.sign_up()["id"]
    return Target("user", person, "/auth/login", {"email": person.email, "password": PASSWORD,
                                                  "recaptchaToken": "sandbox-pass"}, "password", success=200,
                  limit=AUTH_LIMIT,
                  state=lambda: world.count("user_service.login_history", "user_id", user))


def venue(world) -> Target:
    name = f"Venue {uuid.uuid4()}"
    return Target("event", world.admin, "/venues", {"name": name, "address": "1 Stage Road", "city": "Seoul"}, "name",
                  state=lambda: world.count("event_service.venues", "name", name))


def hall(world) -> Target:
    place = made(world.admin.call("POST", "/venues", json={"name": "Arena", "address": "Road", "city": "Seoul"}))
    name = f"Hall {uuid.uuid4()}"
    template = {"rows": ["A"], "seatsPerRow": 4, "gradeMapping": {"A": "VIP"}}
    return Target("event", world.admin, f"/venues/{place['id']}/halls",
                  {"name": name, "capacity": 4, "seatTemplate": template}, "name", limit=HALL_LIMIT,
                  state=lambda: world.count("event_service.halls", "name", name))


def event(world) -> Target:
    there = made(world.admin.call("GET", f"/events/{world.sale.event_id}"), 200)
    title = f"Event {uuid.uuid4()}"
    schedule = {"playSequence": 1, "eventStartAt": moment(days=3), "eventEndAt": moment(days=4),
                "saleStartAt": moment(days=1), "saleEndAt": moment(days=2)}
    return Target("event", world.admin, "/events",
                  {"title": title, "artist": "Artist", "venueId": there["venue"]["id"], "hallId": there["hall"]["id"],
                   "gradePrices": {"VIP": 1000}, "schedules": [schedule]}, "title",
                  state=lambda: world.count("event_service.events", "title", title))


def queue(world) -> Target:
    person = Person(world.base_url, world.sandbox_url)
    person.sign_up()
    person.log_in()
    schedule = world.sale.schedule_id

    def state() -> list:
        lines = world.admin.call("GET", "/queue/admin/stats").json()["list"]
        return [(line["waiting"], line["called"]) for line in lines if line["scheduleId"] == schedule]
    return Target("queue", person, "/queue/enter", {"scheduleId": schedule}, "scheduleId", state, success=200)


def hold(world) -> Target:
    sale = put_on_sale(world.admin)
    buyer = new_buyer(world.base_url, world.sandbox_url, sale)

    def state() -> tuple:
        live = buyer.call("GET", f"/reservations/seats/{sale.schedule_id}").json()
        return live["seats"], buyer.call("GET", "/reservations").json()["totalElements"]
    return Target("reservation", buyer, "/reservations/hold",
                  {"scheduleId": sale.schedule_id, "seatIds": sale.seats[:2]}, "scheduleId", state)


def holder(world) -> tuple[Buyer, dict]:
    sale = put_on_sale(world.admin)
    buyer = new_buyer(world.base_url, world.sandbox_url, sale)
    return buyer, made(buyer.hold(*sale.seats[:2]))


def payment(world) -> Target:
    buyer, held = holder(world)
    return Target("payment", buyer, "/payments",
                  {"reservationId": held["reservationId"], "amount": held["totalAmount"], "paymentMethod": "CARD"},
                  "reservationId", success=200,
                  state=lambda: buyer.call("GET", "/payments").json()["totalElements"])


def confirm(world) -> Target:
    buyer, held = holder(world)
    order = made(buyer.order(held), 200)
    paid = buyer.pay_at_portone(order, "AUTHORIZED")

    def state() -> tuple:
        return buyer.payment(order), ledger_of(world.sandbox_url, order)["charges"]
    return Target("payment", buyer, "/payments/confirm",
                  {"reservationId": held["reservationId"], "paymentId": order["paymentId"],
                   "paymentKey": order["paymentKey"], "transactionId": paid["transactionId"], "amount": order["amount"],
                   "paymentToken": paid["paymentToken"]}, "paymentKey", state, success=200)


BUILDERS = [sign_up, login, venue, hall, event, queue, hold, payment, confirm]
PROTECTED = [build for build in BUILDERS if build not in (sign_up, login)]


def names(builders: list) -> dict:
    return {"argvalues": builders, "ids": [build.__name__ for build in builders], "indirect": True}


@pytest.fixture(scope="module")
def built() -> dict:
    return {}


@pytest.fixture(params=BUILDERS, ids=[build.__name__ for build in BUILDERS])
def target(request, world, built, stack):
    """The same one for all tests: none of them may change anything, nor end a process."""
    if request.param not in built:
        built[request.param] = request.param(world)
    target = built[request.param]
    before = target.state(), processes(stack, target.service)
    yield target
    assert (target.state(), processes(stack, target.service)) == before


def processes(stack, service: str) -> set[int]:
    pools = (stack.dir / "service").glob(f"{service}-[0-9]*/supervise/pid")
    found = {child for pool in pools for child in children(int(pool.read_text()))}
    assert found
    return found


# ---- asking ----


def wrong_answers(target: Target, mistakes: dict, status: int, code: str) -> dict:
    """What was not answered as it must be: mistake -> answer. Each mistake is (data, headers)."""
    wrong = {}
    for name, (data, headers) in mistakes.items():
        answer = target.post(data, **headers)
        if not is_error(answer, status, code):
            wrong[name] = f"{answer.status_code} {answer.text[:300]}"
    return wrong


def is_error(answer: requests.Response, status: int, code: str) -> bool:
    try:
        body = answer.json()
    except ValueError:
        return False
    return (answer.status_code == status and body.get("code") == code and {"message", "timestamp"} <= body.keys()
            and body.get("traceId") == answer.headers["X-Trace-Id"])


# ---- without a mistake ----


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_same_request_without_a_mistake_succeeds(world, build):
    """At the very limit of its size."""
    target = build(world)
    before = target.state()
    answer = target.post(json.dumps(target.body).ljust(target.limit))
    assert answer.status_code == target.success, answer.text
    assert target.state() != before


# ---- bodies ----


def documents(target: Target) -> dict[str, bytes]:
    """What is no JSON object with each of the body's fields once and no other."""
    good = json.dumps(target.body).encode()
    first = target.field.encode()
    escaped = b"\\u%04x" % first[0] + first[1:]
    deep = (target.limit - len(good) - 100) // 2

    def with_member(text: bytes) -> bytes:
        return b"{" + text + b", " + good[1:]

    return {
        "empty": b"", "white space": b"  \n", "null": b"null", "a number": b"7", "a text": b'"text"', "an array": b"[]",
        "an array of it": b"[" + good + b"]", "a form": b"name=kim&city=Seoul", "XML": b"<name>kim</name>",
        "cut in the middle": good[:len(good) // 2], "without its end": good[:-1], "without its begin": good[1:],
        "something after it": good + b"x", "another after it": good + good, "a comma too many": good[:-1] + b",}",
        "a comment": b"/* */" + good, "single quotes": good.replace(b'"', b"'"),
        "a byte order mark": b"\xef\xbb\xbf" + good, "UTF-16": good.decode().encode("utf-16"),
        "NUL after it": good + b"\x00", "NUL before it": b"\x00" + good,
        "a field twice": with_member(b'"%s": "x"' % first),
        "a field twice, once escaped": with_member(b'"%s": "x"' % escaped),
        "an unknown field": with_member(b'"surprise": 1'), "an unknown field of null": with_member(b'"surprise": null'),
        "an empty name": with_member(b'"": 1'), "another case": good.replace(first, first.upper()),
        "a name with NUL": with_member(b'"x\\u0000": 1'), "a long name": with_member(b'"%s": 1' % (b"x" * 5000)),
        "nested 17 deep": with_member(b'"surprise": ' + b"[" * 16 + b"]" * 16),
        "nested very deep": with_member(b'"surprise": ' + b"[" * deep + b"]" * deep), "opened only": b"[" * deep,
    }


# In the place of a text.
VALUES = {
    "NaN": b"NaN", "Infinity": b"Infinity", "a number too big": b"99999999999999999999", "a number too great": b"1e999",
    "a leading zero": b"01", "hexadecimal": b"0x10", "a number": b"7", "a truth": b"true", "null": b"null",
    "an object": b"{}", "a list": b'["x"]', "an empty text": b'""', "a text too long": b'"%s"' % (b"x" * 4097),
    "escaped NUL": b'"a\\u0000b"', "raw NUL": b'"a\x00b"', "escaped control character": b'"a\\u0007b"',
    "raw control character": b'"a\x07b"', "DEL": b'"a\x7fb"', "C1 control": b'"a\\u0085b"', "line break": b'"a\nb"',
    "escaped line break": b'"a\\nb"', "high surrogate alone": b'"\\ud800"', "low surrogate alone": b'"\\udc00"',
    "surrogates reversed": b'"\\udc00\\ud800"', "raw surrogate": b'"\xed\xa0\x80"', "no UTF-8": b'"\xff\xfe"',
    "overlong UTF-8": b'"\xc0\xaf"', "half a character": b'"\xec\x95"', "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "unknown escape": b'"\\x41"', "half an escape": b'"\\u12"',
}


def test_body_that_is_no_such_object_is_refused(target):
    mistakes = {name: (data, {}) for name, data in documents(target).items()}
    assert wrong_answers(target, mistakes, 400, "INVALID_REQUEST") == {}


def test_value_that_is_none_is_refused(target):
    marked = json.dumps(target.body | {target.field: "@"}).encode()
    mistakes = {name: (marked.replace(b'"@"', value), {}) for name, value in VALUES.items()}
    assert wrong_answers(target, mistakes, 400, "INVALID_REQUEST") == {}


def test_body_over_the_limit_is_refused(target):
    good = json.dumps(target.body)
    mistakes = {str(size): (good.ljust(size), {}) for size in (target.limit + 1, 300 << 10, (1 << 20) + 1)}
    assert wrong_answers(target, mistakes, 413, "PAYLOAD_TOO_LARGE") == {}


CONTENT_TYPES = [
    None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx",
    "application/json, text/html", "application/json; charset=utf-16", "application/json; charset=utf-8; x=y", "json",
    ";"]


def test_another_content_type_is_refused(target):
    mistakes = {str(content_type): (None, {"Content_Type": content_type}) for content_type in CONTENT_TYPES}
    assert wrong_answers(target, mistakes, 415, "UNSUPPORTED_MEDIA_TYPE") == {}


# ---- access tokens ----


def read_part(token: str, index: int) -> dict:
    part = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture(scope="module")
def secret(stack) -> str:
    """The key that signs; tests that forge with it change one thing at a time."""
    return signing_key(stack)[1]


def bearer(target: Target) -> str:
    return target.person.session.headers["Authorization"].removeprefix("Bearer ")


def forged_tokens(token: str, secret: str) -> dict[str, str]:
    """Tokens that differ by one thing from one that is good."""
    header, claims, now = read_part(token, 0), read_part(token, 1), int(time.time())

    def with_header(**changes) -> str:
        return signed({key: value for key, value in (header | changes).items() if value is not None}, claims, secret)

    def with_claims(**changes) -> str:
        return signed(header, {key: value for key, value in (claims | changes).items() if value is not None}, secret)

    unsigned = encoded(json.dumps(header | {"alg": "none"}).encode()) + "." + token.split(".")[1]
    promoted = encoded(json.dumps(claims | {"role": "ADMIN", "more": 1}).encode())
    return {
        # the signature
        "another key": signed(header, claims, "x" * 64), "an empty key": signed(header, claims, ""),
        "other claims under the old signature": ".".join([token.split(".")[0], promoted, token.split(".")[2]]),
        "a changed signature": token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
        "expired and forged": signed(header, claims | {"exp": now - 3600}, "x" * 64),
        # the form
        "no signature": token.rpartition(".")[0] + ".", "two parts": token.rpartition(".")[0],
        "four parts": token + ".x", "padding": token + "==", "too long": with_claims(more="x" * 5000),
        "text": "text", "dots": "..", "a dot": ".",
        # the header
        "alg none": unsigned + ".", "alg none, signed": with_header(alg="none"), "alg None": with_header(alg="None"),
        "HS512": signed(header | {"alg": "HS512"}, claims, secret, "sha512"),
        "HS384": signed(header | {"alg": "HS384"}, claims, secret, "sha384"),
        "RS256 in the header": with_header(alg="RS256"), "lower case": with_header(alg="hs256"),
        "no alg": with_header(alg=None), "unknown kid": with_header(kid="k9"), "no kid": with_header(kid=None),
        "kid of a path": with_header(kid="../k1"), "kid with SQL": with_header(kid="' OR 1=1 --"),
        "kid of a wrong type": with_header(kid=1), "a key of its own": with_header(jwk={"kty": "oct", "k": "eA"}),
        "critical": with_header(crit=["exp"]), "no JWT": with_header(typ="JWS"),
        # the claims
        "another kind": with_claims(typ="refresh", role=None, fam=str(uuid.uuid4())), "no kind": with_claims(typ=None),
        "another issuer": with_claims(iss="elsewhere"), "no issuer": with_claims(iss=None),
        "another audience": with_claims(aud="elsewhere"), "no audience": with_claims(aud=None),
        "no subject": with_claims(sub=None), "a subject that is no id": with_claims(sub="kim"),
        "a subject with NUL": with_claims(sub=claims["sub"] + "\x00"), "a subject of a wrong type": with_claims(sub=7),
        "no jti": with_claims(jti=None), "a jti that is no id": with_claims(jti="*"), "no role": with_claims(role=None),
        "an unknown role": with_claims(role="ROOT"), "roles": with_claims(role=["USER", "ADMIN"]),
        "no end": with_claims(exp=None), "an end as text": with_claims(exp="never"), "an end of 0": with_claims(exp=0),
        "not yet": with_claims(nbf=now + 3600), "no begin": with_claims(nbf=None),
        "from the future": with_claims(iat=now + 3600), "no birth": with_claims(iat=None),
        "claims in a list": signed(header, b"[]", secret), "claims that are no JSON": signed(header, b"{", secret),
        "no claims": signed(header, b"", secret),
    }


@pytest.mark.parametrize("target", **names(PROTECTED))
def test_token_that_is_not_ours_is_refused(target, secret):
    mistakes = {name: (None, {"Authorization": f"Bearer {token}"})
                for name, token in forged_tokens(bearer(target), secret).items()}
    assert wrong_answers(target, mistakes, 401, "TOKEN_INVALID") == {}


@pytest.mark.parametrize("target", **names(PROTECTED))
def test_authorization_that_is_no_token_is_refused(target):
    token = bearer(target)
    assert wrong_answers(target, {"none": (None, {"Authorization": None})}, 401, "TOKEN_MISSING") == {}
    mistakes = {name: (None, {"Authorization": value}) for name, value in {
        "without its scheme": token, "another scheme": f"Basic {token}", "the scheme alone": "Bearer",
        "twice": f"Bearer {token}, Bearer {token}", "glued": f"Bearer{token}", "a tab": f"Bearer\t{token}"}.items()}
    assert wrong_answers(target, mistakes, 401, "TOKEN_INVALID") == {}


@pytest.mark.parametrize("target", **names(PROTECTED))
def test_token_that_has_ended_is_refused(target, secret):
    header, claims = read_part(bearer(target), 0), read_part(bearer(target), 1)
    expired = signed(header, claims | {"exp": int(time.time()) - 60}, secret)
    mistake = {"expired": (None, {"Authorization": f"Bearer {expired}"})}
    assert wrong_answers(target, mistake, 401, "TOKEN_EXPIRED") == {}
    other = Person(target.person.base_url, target.person.sandbox_url)
    other.sign_up()
    tokens = other.log_in()
    other.call("POST", "/auth/logout")
    ended = {"logged out": (None, {"Authorization": f"Bearer {tokens['accessToken']}"})}
    assert wrong_answers(target, ended, 401, "TOKEN_REVOKED") == {}
    kind = {"a real refresh token": (None, {"Authorization": f"Bearer {tokens['refreshToken']}"})}
    assert wrong_answers(target, kind, 401, "TOKEN_INVALID") == {}


def test_token_signed_here_without_a_mistake_is_taken(world, secret):
    """What makes the refusals above mean something."""
    token = world.admin.session.headers["Authorization"].removeprefix("Bearer ")
    same = signed(read_part(token, 0), read_part(token, 1), secret)
    answer = world.admin.call("GET", "/users/me", headers={"Authorization": f"Bearer {same}"})
    assert answer.status_code == 200


# ---- other headers ----


@pytest.mark.parametrize("target", **names([hold, payment]))
def test_idempotency_key_that_is_none_is_refused(target):
    mistakes = {name: (None, {"Idempotency_Key": key.encode()}) for name, key in {
        "too short": "a" * 15, "too long": "a" * 257, "a space": "a" * 10 + " " + "a" * 10, "one quote": '"' + "a" * 20,
        "SQL": "'; DROP TABLE payments; --", "quotes in it": '"aaaaaaaaaa"aaaaaaaaaa"', "no ASCII": "é" * 20,
        "a list": '"aaaaaaaaaaaaaaaaaaaa", "b"'}.items()}
    assert wrong_answers(target, mistakes, 400, "INVALID_REQUEST") == {}


@pytest.mark.parametrize("target", **names([hold, payment, confirm]))
def test_queue_token_that_is_none_is_refused(target):
    mistakes = {name: (None, {"X_Queue_Token": token}) for name, token in {
        "no id": "qr_7", "a pattern": "qr_*", "no prefix": str(uuid.uuid4()),
        "with more": f"qr_{uuid.uuid4()}:x"}.items()}
    assert wrong_answers(target, mistakes, 401, "QUEUE_TOKEN_INVALID") == {}


@pytest.mark.parametrize("target", **names([hold]))
def test_queue_token_that_is_not_the_buyers_is_refused(target, world):
    other = new_buyer(world.base_url, world.sandbox_url, world.sale)
    mistakes = {name: (None, {"X_Queue_Token": token}) for name, token in {
        "none": None, "of nobody": f"qr_{uuid.uuid4()}", "of another": other.session.headers["X-Queue-Token"]}.items()}
    assert wrong_answers(target, mistakes, 401, "QUEUE_TOKEN_INVALID") == {}


BAD_IDS = ["7", "x" * 36, "0" * 32, "-" * 36, "00000000-0000-0000-0000-00000000000g", f"{uuid.uuid4()}x",
           f"{{{uuid.uuid4()}}}", f"urn:uuid:{uuid.uuid4()}", "%27%20OR%201=1", "%EF%BC%97", "%ff",
           f"{uuid.uuid4()}%0a", f"{uuid.uuid4()}%20", "x" * 3000]


@pytest.mark.parametrize("method,before,after", [
    ("GET", "/venues/", ""), ("GET", "/venues/", "/halls"), ("GET", "/events/", ""), ("POST", "/events/", "/publish"),
    ("GET", "/events/schedules/", "/seats"), ("DELETE", "/reservations/hold/", ""), ("GET", "/reservations/", ""),
    ("GET", "/payments/", "")])
def test_id_in_a_path_that_is_none_is_not_found(world, method, before, after):
    answers = {text: world.admin.call(method, before + text + after) for text in BAD_IDS}
    assert {text: answer.text for text, answer in answers.items() if not is_error(answer, 404, "NOT_FOUND")} == {}


@pytest.mark.parametrize("path", ["/venues/%00", "/events/%", "/events/%zz", "/reservations/hold/%00"])
def test_path_that_is_none_is_refused(world, path):
    answer = raw(world.base_url, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400") and b"INVALID_REQUEST" in answer


INJECTIONS = [("path", "/events/x%0d%0aX-Evil:%201"), ("query", "/events?q=x%0d%0aX-Evil:%201"),
              ("double", "/events/x%250d%250aX-Evil:%201"), ("unicode", "/events?q=%E5%98%8D%E5%98%8AX-Evil:%201")]


@pytest.mark.parametrize("path", [row[1] for row in INJECTIONS], ids=[row[0] for row in INJECTIONS])
def test_header_cannot_be_injected_by_an_address(world, path):
    answer = raw(world.base_url, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert b"x-evil" not in answer.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize("name", ["X-Trace-Id", "traceparent", "Idempotency-Key", "X-Queue-Token", "Accept-Language",
                                  "Origin", "User-Agent", "If-None-Match", "Authorization"])
def test_header_of_any_bytes_is_borne(world, name):
    for value in (b"a\rX-Evil: 1", b"a\x00b", b"a%0d%0aX-Evil: 1", b"\x7f", b"\xff\xfe", b"x" * 7000, b'"', b"a\x01b"):
        request = f"GET /events HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{name}: ".encode() + value + b"\r\n\r\n"
        head = raw(world.base_url, request).partition(b"\r\n\r\n")[0]
        assert head[9:12] in (b"200", b"400"), (value, head)
        assert b"x-evil" not in head.lower(), value


# ---- requests that no library sends ----


def raw(base_url: str, request: bytes, gone: bool = False) -> bytes:
    """Everything that the server says to these bytes. `gone`: the client sends no more, and says so."""
    address = urllib.parse.urlsplit(base_url)
    with socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_S) as client:
        client.sendall(request)
        if gone:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(65536):
            answer += chunk
    return answer


def head_of(target: Target, *lines: str) -> bytes:
    """A request's head, with the credentials of an honest one; "Content-Length" is the caller's business."""
    headers = {"Host": "x", "Connection": "close", "Content-Type": "application/json"}
    headers |= {name: target.person.session.headers[name] for name in ("Authorization", "X-Queue-Token")
                if name in target.person.session.headers}
    text = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *lines]
    return "\r\n".join(text).encode() + b"\r\n\r\n"


def test_body_cut_short_does_nothing(target):
    """The client promises more than it sends and goes."""
    good = json.dumps(target.body).encode()
    for sent in (good, good[:10], b""):
        answer = raw(target.person.base_url, head_of(target, f"Content-Length: {len(good) + 10}") + sent, gone=True)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400"), answer


def test_length_that_is_shorter_than_the_body_cuts_it(target):
    good = json.dumps(target.body).encode()
    answer = raw(target.person.base_url, head_of(target, f"Content-Length: {len(good) - 1}") + good)
    assert answer.startswith(b"HTTP/1.1 400") and b"INVALID_REQUEST" in answer


LENGTHS = [
    ["Content-Length: -1"], ["Content-Length: x"], ["Content-Length: 1e3"], ["Content-Length: 99999999999999999999"],
    ["Content-Length: 5", "Content-Length: 6"], ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Transfer-Encoding: chunked"], ["Transfer-Encoding: gzip, chunked"], ["Content-Length : 5"]]


def test_length_that_is_none_is_refused(target):
    for lines in LENGTHS:
        answer = raw(target.person.base_url, head_of(target, *lines) + json.dumps(target.body).encode())
        assert answer[9:12] in (b"400", b"413", b"501"), (lines, answer)
        assert b'"code":"' in answer and b"X-Trace-Id: " in answer, lines
