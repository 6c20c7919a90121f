"""The draw of a waiting room, from public data alone; docs/queue.md says why it is made like this."""
import hashlib
import hmac
import json
import re
import struct
import uuid
from dataclasses import dataclass

ALGORITHM = "feistel-hmac-sha256-v1"
LABEL = b"boxoffice draw v1\0"
ROUNDS = 10
# The tables of a round have no more than 2^16 entries up to here; no line is that long.
COUNT_MAX = 2**32

SEED = re.compile(r"[0-9a-f]{64}")
SCHEDULE = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Unusable(Exception):
    """What was given cannot be checked; the text says why."""


class NotOpened(Unusable):
    """There is a commitment, but the seed is still secret."""


class Mismatch(Exception):
    """What was published contradicts itself or what was noted before."""


# ---- the permutation ----


class Draw:
    """The permutation of one line; a round's function is looked up, as it has only 2^w different arguments."""

    def __init__(self, seed: bytes, schedule: uuid.UUID, count: int):
        key = hmac.digest(seed, LABEL + schedule.bytes + struct.pack(">Q", count), "sha256")
        self.count = count
        self.width = half_width(count)
        self.mask = (1 << self.width) - 1
        self.rounds = [self._table(key, number) for number in range(ROUNDS)]

    def _table(self, key: bytes, number: int) -> list[int]:
        digests = (hmac.digest(key, struct.pack(">BI", number, half), "sha256") for half in range(self.mask + 1))
        return [int.from_bytes(digest[:8], "big") & self.mask for digest in digests]

    def sequence(self, arrival: int) -> int:
        """Both count from 1. Who came after the opening stays where they came."""
        return self.place(arrival - 1) + 1 if arrival <= self.count else arrival

    def place(self, number: int) -> int:
        place = self._encrypt(number)
        while place >= self.count:
            place = self._encrypt(place)
        return place

    def _encrypt(self, value: int) -> int:
        left, right = value >> self.width, value & self.mask
        for table in self.rounds:
            left, right = right, left ^ table[right]
        return left << self.width | right


def half_width(count: int) -> int:
    """The least w >= 1 with 2^(2w) >= count."""
    width = 1
    while 1 << (2 * width) < count:
        width += 1
    return width


# ---- what GET /queue/draw answers ----


@dataclass(frozen=True)
class Document:
    """The published data, well-formed; seed and count are None before the opening."""

    schedule: uuid.UUID
    commitment: str
    algorithm: str
    count: int | None
    seed: bytes | None


def parse(text: str) -> Document:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"the draw is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise Unusable("the draw is not a JSON object")
    seed, count = data.get("seed"), data.get("count")
    return Document(
        schedule=uuid.UUID(_text(data, "scheduleId", SCHEDULE, "a UUID in lower case")),
        commitment=_text(data, "commitment", SEED, "64 lower-case hexadecimal digits"),
        algorithm=_text(data, "algorithm", re.compile(r".+"), "a name"),
        count=None if count is None else _count(count),
        seed=None if seed is None else bytes.fromhex(_text(data, "seed", SEED, "64 lower-case hexadecimal digits")),
    )


def _text(data: dict, name: str, form: re.Pattern, words: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Unusable(f"the draw's {name} is not {words}")
    return value


def _count(value: object) -> int:
    # In Python, true is an int too.
    if type(value) is not int or not 0 <= value <= COUNT_MAX:
        raise Unusable(f"the draw's count is not an integer from 0 to {COUNT_MAX}")
    return value


def verified(document: Document, noted: str | None = None) -> Draw:
    """The draw, once the seed is known to be the one committed to; noted is the commitment from before the sale."""
    if document.algorithm != ALGORITHM:
        raise Unusable(f"the algorithm {document.algorithm} is unknown here; known is {ALGORITHM}")
    if noted is not None and noted != document.commitment:
        raise Mismatch(f"the commitment is now {document.commitment}, but {noted} was noted before")
    if document.seed is None or document.count is None:
        raise NotOpened("the sale has not opened yet: the seed is still secret")
    digest = hashlib.sha256(document.seed).hexdigest()
    if digest != document.commitment:
        raise Mismatch(f"SHA-256 of the seed is {digest}, but the commitment is {document.commitment}")
    return Draw(document.seed, document.schedule, document.count)


# ---- what somebody claims to have been told ----


@dataclass(frozen=True)
class Claim:
    line: int
    arrival: int
    sequence: int


def claims(text: str) -> list[Claim]:
    """Lines of two integers, or of JSON objects with arrival and sequence; empty lines do not count."""
    found = [_claim(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not found:
        raise Unusable("there is no line to check")
    return found


def _claim(number: int, line: str) -> Claim:
    try:
        if line.lstrip().startswith("{"):
            data = json.loads(line)
            pair = [data["arrival"], data["sequence"]]
        else:
            pair = [int(word) for word in line.split()]
    except (ValueError, KeyError, RecursionError):
        pair = []
    if len(pair) != 2 or any(type(value) is not int or value < 1 for value in pair):
        raise Unusable(f"line {number} is not an arrival and a sequence, two integers from 1: {line.strip()[:80]}")
    return Claim(number, *pair)
