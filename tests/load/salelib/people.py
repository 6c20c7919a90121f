"""Who comes to the sale, when, and how each of them behaves: decided beforehand from one seed."""
import dataclasses
import random
import uuid

# Where a person is. The fates at the end of a run are these and what was done before.
EXPECTED, ENTERING, IN_LINE, AWAY, LEFT, ADMITTED, REFUSED = range(7)


def _option(default: float, told: str):
    return dataclasses.field(default=default, metadata={"help": told})


@dataclasses.dataclass(frozen=True)
class Shares:
    """How many behave how, 0 to 1, and how long things take. Each is an option of the command line."""

    before: float = _option(0.6, "come before the opening")
    first_minute: float = _option(0.3, "come in the minute after it; the rest trickles in")
    impatient: float = _option(0.25, "give up when their patience ends; half of them say so, half vanish")
    no_shows: float = _option(0.03, "of those who came before the opening, do not look after it")
    come_back: float = _option(0.5, "of those who vanish, come back later")
    two_tabs: float = _option(0.1, "enter again from a second tab or device and poll from both")
    reloaders: float = _option(0.02, "reload impatiently instead of polling as told")
    followers: float = _option(0.5, "watch /queue/serving and ask at once when they have been called")
    finish: float = _option(0.6, "of the admitted, leave when they are done; the others keep the token")
    patience: float = _option(0.45, "mean patience of the impatient, as a share of the sale's length")
    away: float = _option(0.15, "mean absence of those who come back, as a share of the sale's length")
    shopping: float = _option(20.0, "mean seconds from the token to leaving")


class Person:
    """One user. Times are on the monotonic clock; None: not yet, or never."""

    __slots__ = (
        # how they behave
        "index", "user", "bearer", "arrives", "patience", "announces", "returns_after", "no_show", "two_tabs",
        "reloads", "follows", "finishes_after",
        # what has become of them
        "state", "number", "arrival", "sequence", "receipt", "first_sent", "answered", "serials", "asked_at",
        "poll_after", "prompt", "leaving", "returned", "returned_at", "passed_at_return", "token", "token_at")

    def __init__(self, index: int, user: str):
        self.index = index
        self.user = user
        self.bearer = b""
        self.state = EXPECTED
        self.number = self.arrival = self.sequence = 0
        self.receipt = self.token = None
        self.first_sent = self.answered = self.asked_at = self.returned_at = self.token_at = None
        self.serials = [0, 0]
        self.poll_after = 0
        self.prompt = True  # has never stayed away for longer than the server allows
        self.leaving = self.returned = self.passed_at_return = False


def _arrival(chance: random.Random, shares: Shares, before_s: float, sale_s: float) -> float:
    """Seconds after the opening; negative: before."""
    kind = chance.random()
    if kind < shares.before:
        return -before_s * chance.random()
    if kind < shares.before + shares.first_minute:
        minute = min(60.0, sale_s / 3)
        return min(minute, chance.expovariate(3 / minute))
    return chance.uniform(0, sale_s * 0.7)


def crowd(seed: int, salt: str, count: int, shares: Shares, before_s: float, sale_s: float) -> list[Person]:
    """The people with everything that chance decides; `arrives` is in seconds from the opening. Behaviours and ids have
    chances of their own: with another salt, other users behave the same."""
    chance = random.Random(seed)
    ids = random.Random(f"{seed} {salt}")
    people = []

    def some(share: float, mean: float) -> float | None:
        """A time, for that share of the people; nobody takes four times as long as the others."""
        return min(4 * mean, chance.expovariate(1 / mean)) if chance.random() < share else None

    for index in range(count):
        person = Person(index, str(uuid.UUID(int=ids.getrandbits(128), version=4)))
        person.arrives = _arrival(chance, shares, before_s, sale_s)
        person.patience = some(shares.impatient, shares.patience * sale_s)
        person.announces = chance.random() < 0.5
        person.returns_after = some(shares.come_back, shares.away * sale_s)
        person.no_show = person.arrives < 0 and chance.random() < shares.no_shows
        person.two_tabs = chance.random() < shares.two_tabs
        person.reloads = chance.random() < shares.reloaders
        person.follows = chance.random() < shares.followers
        person.finishes_after = some(shares.finish, shares.shopping)
        people.append(person)
    return people
