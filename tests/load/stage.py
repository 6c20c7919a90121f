"""What a load test plays on: a test stack that has just started, access tokens signed with its key, and sales that an
admin has published. Nothing here goes through sign-up, which would measure bcrypt. Keys and names are those of
common/auth/token.h."""
import base64
import dataclasses
import datetime
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from stacklib.settings import Stack  # noqa: E402

TOKEN_LIFE_S = 3600


def stack_command(*words: str) -> None:
    if subprocess.run([ROOT / "scripts/stack", "--stack", "test", *words]).returncode != 0:
        sys.exit(f"load: 'scripts/stack --stack test {' '.join(words)}' failed, it says why above")


class FreshStack:
    """The test stack without any data, for as long as the `with` block lasts; keep: the one that runs, left running."""

    def __init__(self, keep: bool = False):
        self.keep = keep

    def __enter__(self) -> Stack:
        if not self.keep:
            stack_command("clean-data")
            try:
                stack_command("up")
            except BaseException:
                stack_command("down")
                raise
        stack = Stack("test")
        stack.recall()
        return stack

    def __exit__(self, *_):
        if not self.keep:
            stack_command("down")


def wait_until(condition, seconds: float, what: str = "the stack") -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"load: waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def call(url: str, method: str = "GET", token: str = "", body: dict | None = None) -> dict:
    """The JSON answer; ends the program with the service's own words when it refuses."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"load: {method} {url} was refused: {error.code} {error.read().decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"load: {url} does not answer ({error}): is the stack up?")


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact(part: dict) -> str:
    """A part of a token."""
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


def claims_of(token: str) -> dict:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Signer:
    """Signs access tokens with the first key of a ring ("kid:secret,...")."""

    def __init__(self, ring: str):
        head, _, key = ring.strip().split(",")[0].partition(":")
        kid = head.partition("@")[0]
        self.prefix = compact({"alg": "HS256", "typ": "JWT", "kid": kid}).encode() + b"."
        self.mac = hmac.new(key.encode(), self.prefix, hashlib.sha256)

    def access_token(self, user: str, role: str = "USER", **other: object) -> str:
        """other: claims that are not as they should be."""
        now = int(time.time())
        claims = {"iss": "boxoffice", "aud": "boxoffice", "typ": "access", "sub": user, "jti": str(uuid.uuid4()),
                  "iat": now, "nbf": now, "exp": now + TOKEN_LIFE_S, "role": role} | other
        payload = compact(claims)
        mac = self.mac.copy()
        mac.update(payload.encode())
        return f"{self.prefix.decode()}{payload}.{_base64url(mac.digest())}"

    def admin_token(self) -> str:
        return self.access_token(str(uuid.uuid4()), "ADMIN")


def signer_of(stack: Stack) -> Signer:
    return Signer((stack.secrets / "jwt-keys").read_text())


@dataclasses.dataclass
class Sale:
    """A published performance."""

    base_url: str
    event_id: str
    schedule_id: str
    opens_at: float  # Unix seconds
    rate: int

    def url(self, path: str) -> str:
        return f"{self.base_url}{path}?scheduleId={self.schedule_id}"


def _moment(unix: float) -> str:
    return datetime.datetime.fromtimestamp(int(unix), datetime.timezone.utc).isoformat()


HALL = {"name": "Hall", "capacity": 10, "seatTemplate": {"rows": ["A"], "seatsPerRow": 10, "gradeMapping": {"A": "VIP"}}}


def new_hall(base_url: str, admin_token: str, hall: dict) -> dict:
    """At a venue of its own."""
    venue = call(f"{base_url}/venues", "POST", admin_token,
                 {"name": "Arena", "address": "1 Stage Road", "city": "Seoul"})
    return call(f"{base_url}/venues/{venue['id']}/halls", "POST", admin_token, hall)


def draft(hall: dict, opens_at: int, rate: int, capacity: int) -> dict:
    """Of an event there with one performance, which is on sale for a day."""
    days = 86400
    now = int(time.time())
    schedule = {"playSequence": 1, "eventStartAt": _moment(now + 30 * days), "eventEndAt": _moment(now + 31 * days),
                "saleStartAt": _moment(opens_at), "saleEndAt": _moment(now + days), "admissionRate": rate,
                "queueCapacity": capacity}
    return {"title": f"Load test {uuid.uuid4()}", "artist": "Artist", "description": "", "venueId": hall["venueId"],
            "hallId": hall["id"], "gradePrices": dict.fromkeys(("VIP", "S", "A", "B"), 150000), "schedules": [schedule]}


def publish_sale(base_url: str, admin_token: str, opens_in_s: float, rate: int, capacity: int) -> Sale:
    """Puts a small hall on sale from `opens_in_s` (may be negative) on, for a day."""
    hall = new_hall(base_url, admin_token, HALL)
    opens_at = int(time.time()) + round(opens_in_s)
    event = call(f"{base_url}/events", "POST", admin_token, draft(hall, opens_at, rate, capacity))
    event = call(f"{base_url}/events/{event['id']}/publish", "POST", admin_token)
    return Sale(base_url, event["id"], event["schedules"][0]["id"], opens_at, rate)
