"""What was seen during the sale, as it was seen: nothing here is judged. Times are on the monotonic clock."""
import array
import bisect
import collections

EXAMPLES_MAX = 20


class Ledger:
    def __init__(self):
        # Status answers with an estimate: whose, when, how long it said.
        self.estimate_of = array.array("I")
        self.estimate_at = array.array("d")
        self.estimate_said = array.array("f")
        self.tokens = array.array("d")  # when each person's token was first seen
        self.serving = []  # (received, servingSequence, waiting)
        self.stats = []  # (sent, received, this schedule's row of the admin statistics)
        self.in_line = []  # (at, people in the line)
        self.draw = {}
        self.counts = collections.Counter()
        self.examples = collections.defaultdict(list)
        self._top_at = array.array("d")
        self._top = []

    def broken(self, invariant: str, told: str) -> None:
        self.counts[invariant] += 1
        if len(self.examples[invariant]) < EXAMPLES_MAX:
            self.examples[invariant].append(told)

    def estimate(self, person, now: float, seconds: float) -> None:
        self.estimate_of.append(person.index)
        self.estimate_at.append(now)
        self.estimate_said.append(seconds)

    def token(self, person, now: float) -> None:
        self.tokens.append(now)
        if person.sequence and (not self._top or person.sequence > self._top[-1]):
            self._top_at.append(now)
            self._top.append(person.sequence)

    def highest_admitted(self, before: float) -> int:
        """The highest sequence whose token had been received by then; 0 when there was none."""
        at = bisect.bisect_left(self._top_at, before)
        return self._top[at - 1] if at else 0
