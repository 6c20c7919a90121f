"""People for load tests: users with valid access tokens, a 50,000-seat sale, admissions; made without going through
sign-up, which would measure bcrypt. Keys and names are those of common/token.h and src/contract/queue_token.h."""
import base64
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
PEOPLE = 50000
SEATS_PER_ORDER = 1


def wait_until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("load: waited in vain for the stack")
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


def get(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _compact(part: dict) -> str:
    """A part of a token, byte for byte as our services write it: what they check quickly, real tokens are."""
    return _base64url(json.dumps(part, separators=(",", ":")).encode())


class Crowd:
    def __init__(self, stack):
        self.stack = stack
        kid, key = (stack.secrets / "jwt-keys").read_text().strip().split(",")[0].split(":")
        self.key = key.encode()
        self.header = _compact({"alg": "HS256", "typ": "JWT", "kid": kid})
        self.users = [str(uuid.uuid4()) for _ in range(PEOPLE)]
        subprocess.run([ROOT / "scripts/stack", "--stack", stack.name, "exec", "boxctl", "seed", "demo"], check=True,
                       stdout=subprocess.DEVNULL)
        self.schedule, self.seats = self._largest_schedule()

    def _largest_schedule(self) -> tuple[str, list[str]]:
        events = get(f"{self.stack.gateway_url}/events?size=100")["list"]
        schedules = [schedule for event in events
                     for schedule in get(f"{self.stack.gateway_url}/events/{event['id']}")["schedules"]]
        largest = max(schedules, key=lambda schedule: schedule["total"])["id"]
        grades = get(f"{self.stack.gateway_url}/events/schedules/{largest}/seats")["grades"]
        return largest, [seat["id"] for grade in grades for seat in grade["seats"]]

    def access_token(self, user: str) -> str:
        now = int(time.time())
        claims = {"iss": "boxoffice", "aud": "boxoffice", "typ": "access", "sub": user, "jti": str(uuid.uuid4()),
                  "iat": now, "nbf": now, "exp": now + 3600, "role": "USER"}
        signed = f"{self.header}.{_compact(claims)}"
        return f"{signed}.{_base64url(hmac.new(self.key, signed.encode(), hashlib.sha256).digest())}"

    def write_tokens(self, path: pathlib.Path, count: int = 2000) -> pathlib.Path:
        path.write_text("\n".join(self.access_token(user) for user in self.users[:count]) + "\n")
        return path

    def join_queue(self, count: int = 2000) -> None:
        """Enters these people one after another, through the gateway."""
        for user in self.users[:count]:
            request = urllib.request.Request(
                f"{self.stack.gateway_url}/queue/enter", json.dumps({"scheduleId": self.schedule}).encode(),
                {"Content-Type": "application/json", "Authorization": f"Bearer {self.access_token(user)}"})
            with urllib.request.urlopen(request, timeout=10):
                pass

    def write_orders(self, path: pathlib.Path) -> pathlib.Path:
        """A line per buyer: access token, queue token, seats. Their admissions are put into Redis directly."""
        lines, commands = [], []
        for number, user in enumerate(self.users):
            token = f"qr_{uuid.uuid4()}"
            seats = self.seats[number * SEATS_PER_ORDER:(number + 1) * SEATS_PER_ORDER]
            lines.append(f"{self.access_token(user)} {token} {json.dumps(seats)}")
            commands.append(f"SET queue:{{{self.schedule}}}:token:{token} {user} EX 3600")
        path.write_text("\n".join(lines) + "\n")
        subprocess.run(["redis-cli", "-s", str(self.stack.redis_socket)], input="\n".join(commands), text=True,
                       check=True, stdout=subprocess.DEVNULL)
        return path
