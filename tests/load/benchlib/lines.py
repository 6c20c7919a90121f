"""Lines to measure at: that many people who wait, in the state in which a real line holds them: they came before the
opening, were drawn, and have asked once since."""
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse
import uuid

import stage
from benchlib.tools import Redis, say
from stacklib.settings import Stack, program
from wire import Wire

# Above this the people enter by tests/load/fill, which calls the waiting room without HTTP.
HTTP_MOST = 50000
ENTERS_PER_S = 2500  # what is surely managed, to know when the sale may open
FILLS_PER_S = 3000
FILL_PROCESSES = 2
SEAL_S = 3


def user_of(salt: bytes, number: int) -> str:
    """The same ids as fill.c makes: a UUID of the salt (8 bytes) and the number."""
    return str(uuid.UUID(bytes=salt + number.to_bytes(8, "big"), version=4))


class Line:
    """People numbered from 0 in front of a sale of their own. Paused when made, so that nobody is called meanwhile."""

    def __init__(self, stack: Stack, signer: stage.Signer, people: int):
        self.stack, self.signer, self.people = stack, signer, people
        self.salt = os.urandom(8)
        opens_in = 10 + people / (ENTERS_PER_S if people <= HTTP_MOST else FILLS_PER_S)
        self.sale = stage.publish_sale(stack.gateway_url, signer.admin_token(), opens_in, 10, 1000000)
        self.schedule = self.sale.schedule_id
        self.tokens = []
        if people <= HTTP_MOST:
            self.tokens = [signer.access_token(user_of(self.salt, number)) for number in range(people)]

    def fill(self) -> None:
        say(f"{self.people:,} people enter, before the opening in {self.sale.opens_at - time.time():.0f} s")
        began = time.monotonic()
        self._all("enter")
        say(f"{self.people / (time.monotonic() - began):,.0f} entered a second")
        self.tune(paused=True)
        if time.time() > self.sale.opens_at:
            sys.exit(f"bench: the sale opened before {self.people} people had entered: the machine is too busy")
        time.sleep(max(0.0, self.sale.opens_at + SEAL_S - time.time()))
        say(f"{self.people:,} people ask for their place")
        self.ask_all()

    def ask_all(self) -> None:
        """Everybody polls once, and so counts as present for a while."""
        self._all("status")

    def tune(self, **settings) -> None:
        stage.call(f"{self.stack.gateway_url}/queue/admin/schedules/{self.schedule}", "PUT", self.signer.admin_token(),
                   settings)

    def url(self, path: str) -> str:
        return self.sale.url(path)

    def write_tokens(self, path: pathlib.Path) -> pathlib.Path:
        path.write_text("\n".join(self.tokens) + "\n")
        return path

    def _all(self, what: str) -> None:
        if self.people <= HTTP_MOST:
            self._by_http(what)
        else:
            # With the environment of queue.fcgi, which has its secret.
            command = [program("chpst"), "-e", self.stack.env / "queue", stage.ROOT / "build/tests/load/fill", what,
                       self.schedule, self.salt.hex(), str(self.people), str(FILL_PROCESSES)]
            subprocess.run(command, check=True)

    def _by_http(self, what: str) -> None:
        address = urllib.parse.urlsplit(self.stack.gateway_url)
        wire = Wire(address.hostname, address.port, 32)
        head, body = {"enter": ("POST /queue/enter", f'{{"scheduleId":"{self.schedule}"}}'),
                      "status": (f"GET /queue/status?scheduleId={self.schedule}", "")}[what]
        more = f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}" if body else ""

        def taken(_, __, status: int, answer: bytes, *___) -> None:
            if status != 200:
                sys.exit(f"bench: {what} was refused while filling a line: {status} {answer.decode(errors='replace')}")

        for token in self.tokens:
            request = f"{head} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {token}{more}\r\n\r\n{body}"
            wire.send(what, request.encode(), taken)
        wire.run(lambda: wire.in_flight() == 0)
        wire.close()


class Lines:
    """Each size is filled once, and what Redis keeps of its people is noted."""

    def __init__(self, stack: Stack, signer: stage.Signer):
        self.stack, self.signer = stack, signer
        self.redis = Redis(stack)
        self.by_size: dict[int, Line] = {}
        self.bytes: dict[int, float] = {}

    def of(self, people: int) -> Line:
        if people not in self.by_size:
            line = Line(self.stack, self.signer, people)
            line.fill()
            # All users share the markers, which grow in steps: everybody has an equal part of them.
            marker = self.redis.bytes_of("queue:users:*") / self.redis.fields_of("queue:users:*")
            self.bytes[people] = marker + self.redis.bytes_of(f"queue:{{{line.schedule}}}:*") / people
            self.by_size[people] = line
        return self.by_size[people]
