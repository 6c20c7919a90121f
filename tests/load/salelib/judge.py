"""What the sale was like, from the ledger: the invariants that must hold, the estimates' errors, the figures.

The invariants, precisely. A run fails when one of them is broken.

order       A person's number is the arrival, or the sequence of who came after the opening. Broken by each person whose
            number is lower than that of somebody whose answer had been received before this one's first request was
            handed over for sending; and by each person of the draw who stands behind somebody who came after it.
called      Broken by each answer WAITING to a person who has never stayed away for longer than the server allows
            (2 x pollAfter + 15 s, and never for 120 s, the time to arrive), asked after the token of somebody with a
            higher sequence had been received. A token proves that the cursor has passed its owner, whoever that is.
rate        Tokens: the n-th token came not before the opening + n / rate - 1 s. Calls, where the server tells of them:
            between any two samples of the counter, taken t seconds apart at most, no more than rate x (t + 1).
places      NOT_IN_QUEUE for somebody who neither left nor finished; another arrival, sequence or token than before; two
            people with the same sequence; a place that is not that of the draw.
"""
import bisect
import collections
import datetime
import math
import time

from salelib.people import ADMITTED, AWAY, IN_LINE, LEFT, REFUSED
from salelib.visits import OVERTAKEN, PLACES

JOINS = "order inversions among joins"
ETA_FROM_S = 30.0
ETA_AIM = 0.20
BIN_S = 10
AT_ONCE_S = 10.0  # a question, the next credit, a question


def percentile(values: list[float], share: float) -> float | None:
    """Of sorted values; None without any."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None


def rounded(value: float | None, digits: int = 3) -> float | None:
    return None if value is None else round(value, digits)


def whole(excess: float) -> int:
    """People above a limit; what floating point adds is nobody."""
    return max(0, math.ceil(excess - 1e-6))


def monotonic_of(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp() - time.time() + time.monotonic()


class Judge:
    def __init__(self, visits, wire):
        self.sale = visits.sale
        self.people = visits.people
        self.ledger = visits.ledger
        self.wire = wire
        draw = self.ledger.draw
        self.opened = monotonic_of(draw["openedAt"]) if draw.get("openedAt") else visits.opens
        self.drawn = draw.get("count")  # None: the draw could not be read
        self.cursor_at = [at for at, _, _ in self.ledger.serving]
        self.cursor = [serving for _, serving, _ in self.ledger.serving]

    # ---- invariants ----

    def invariants(self) -> dict:
        counts = self.ledger.counts
        self._check_joins()
        self._check_places()
        found = {
            JOINS: counts[JOINS],
            OVERTAKEN: counts[OVERTAKEN],
            "admitted above rate": max(self.tokens_above_rate(), self.calls_above_rate() or 0),
            PLACES: counts[PLACES],
        }
        return {name: {"count": count, "examples": self.ledger.examples[name]} for name, count in found.items()}

    def _check_joins(self) -> None:
        joined = [person for person in self.people if person.number]
        answered = sorted(joined, key=lambda person: person.answered)
        highest, at = 0, 0
        for person in sorted(joined, key=lambda person: person.first_sent):
            while answered[at].answered < person.first_sent:
                highest = max(highest, answered[at].number)
                at += 1
            if person.number < highest:
                self.ledger.broken(JOINS, f"person {person.index} came after number {highest}, has {person.number}")

    def _check_places(self) -> None:
        self._check_shared()
        if self.drawn is not None:
            for person in self.people:
                self._check_draw(person)

    def _check_shared(self) -> None:
        owner = {}
        for person in self.people:
            if not person.sequence:
                continue
            other = owner.setdefault(person.sequence, person)
            if other is not person:
                self.ledger.broken(PLACES, f"people {other.index} and {person.index} both have place {person.sequence}")

    def _check_draw(self, person) -> None:
        in_draw = 0 < person.arrival <= self.drawn
        if not person.sequence:
            return
        if in_draw != (person.sequence <= self.drawn):
            self.ledger.broken(JOINS, f"person {person.index}, arrival {person.arrival or 'unknown'}, has place "
                                      f"{person.sequence} after a draw of {self.drawn}")
        elif person.arrival and not in_draw and person.sequence != person.arrival:
            self.ledger.broken(PLACES, f"person {person.index}, arrival {person.arrival}, has place {person.sequence}")

    def tokens_above_rate(self) -> int:
        rate = self.sale.rate
        above = (number - rate * (at - self.opened + 1) for number, at in enumerate(self.ledger.tokens, 1))
        return whole(max(above, default=0))

    def calls_above_rate(self) -> int | None:
        """None when the statistics do not count calls."""
        if not self.ledger.stats or "called" not in self.ledger.stats[-1][2]:
            return None
        rate, lowest, worst = self.sale.rate, math.inf, 0.0
        for sent, received, row in self.ledger.stats:
            worst = max(worst, row["called"] - rate * received - lowest - rate)
            lowest = min(lowest, row["called"] - rate * sent)
        return whole(worst)

    # ---- figures ----

    def called_at(self, sequence: int) -> float | None:
        """When the cursor was first seen to have passed the place."""
        at = bisect.bisect_left(self.cursor, sequence)
        return self.cursor_at[at] if at < len(self.cursor) else None

    def estimate_errors(self) -> dict:
        """|estimate - time until called| / time until called, for people who polled as told throughout."""
        by_bin, ledger = collections.defaultdict(list), self.ledger
        to_token = []
        for index, at, said in zip(ledger.estimate_of, ledger.estimate_at, ledger.estimate_said):
            person = self.people[index]
            called = self.called_at(person.sequence) if person.prompt and person.token else None
            if called is None or called - at < ETA_FROM_S:
                continue
            by_bin[int((at - self.opened) // BIN_S)].append((said - called + at) / (called - at))
            to_token.append(abs(said - person.token_at + at) / (person.token_at - at))
        everything = sorted(abs(error) for errors in by_bin.values() for error in errors)
        return {"samples": len(everything), "p50": rounded(percentile(everything, 0.5)),
                "p95": rounded(percentile(everything, 0.95)), "aim": f"p95 <= {ETA_AIM}",
                "p95_to_token": rounded(percentile(sorted(to_token), 0.95)),
                "by_time": [self._bin(start, by_bin[start]) for start in sorted(by_bin)]}

    @staticmethod
    def _bin(start: int, errors: list[float]) -> dict:
        absolute = sorted(abs(error) for error in errors)
        return {"at_s": start * BIN_S, "samples": len(errors), "p50": rounded(percentile(absolute, 0.5)),
                "p95": rounded(percentile(absolute, 0.95)), "bias": rounded(percentile(sorted(errors), 0.5))}

    def fates(self) -> dict:
        fates = collections.Counter()
        for person in self.people:
            fates[self._fate(person)] += 1
        return dict(fates.most_common())

    @staticmethod
    def _fate(person) -> str:
        if person.state == ADMITTED:
            back = ", after coming back" if person.returned else ""
            return ("admitted and finished" if person.leaving else "admitted") + back
        if person.state == AWAY and person.token:
            return "vanished with a token"
        return {AWAY: "vanished", LEFT: "gave up and said so", IN_LINE: "still in the line",
                REFUSED: "refused"}.get(person.state, "never got in")

    def returns(self) -> dict:
        """People who came back after the cursor had passed them: how long until they had their token."""
        back = [person for person in self.people if person.passed_at_return]
        waits = sorted(person.token_at - person.returned_at for person in back
                       if person.token_at and person.token_at >= person.returned_at)
        return {"people": len(back), "admitted": sum(1 for person in back if person.token_at),
                "p50_s": rounded(percentile(waits, 0.5), 2), "p95_s": rounded(percentile(waits, 0.95), 2),
                "longest_s": rounded(waits[-1] if waits else None, 2),
                f"within_{AT_ONCE_S:.0f}_s": sum(1 for wait in waits if wait <= AT_ONCE_S)}

    def slots(self) -> dict:
        """Calls that led to no token until the end, of all: slots that stood empty for a while. `no_shows` are those of
        which the server has noticed it. Who was called twice counts twice."""
        row = self.ledger.stats[-1][2] if self.ledger.stats else {}
        called, admitted = row.get("called"), row.get("admitted", 0)
        ghosts = called - admitted if called is not None else None
        return {"called": called, "never_arrived": ghosts, "share": rounded(ghosts / called) if called else None,
                "no_shows": row.get("noShows"), "statistics": row}

    def rates(self) -> dict:
        """Tokens per second while the middle nine tenths of them were fetched: without the start and the stragglers."""
        tokens = self.ledger.tokens
        first, last = int(0.05 * len(tokens)), int(0.95 * len(tokens))
        seconds = tokens[last] - tokens[first] if last > first else 0
        return {"set": self.sale.rate, "tokens": len(tokens),
                "tokens_per_second": rounded((last - first) / seconds, 2) if seconds else None,
                "tokens_above": self.tokens_above_rate(), "calls_above": self.calls_above_rate()}

    def requests(self, elapsed: float, cpu: float) -> dict:
        routes = {name: self._route(route) for name, route in sorted(self.wire.routes.items())}
        total = sum(route["requests"] for route in routes.values())
        late = sorted(self.wire.late)
        return {"total": total, "per_second": rounded(total / elapsed, 1), "routes": routes,
                "answers_429": sum(route["statuses"].get("429", 0) for route in routes.values()),
                "answers_5xx": sum(count for route in routes.values() for status, count in route["statuses"].items()
                                   if status >= "500"),
                "dropped_connections": self.wire.reconnects, "generator_cpu_share": rounded(cpu / elapsed),
                "sent_late_p95_ms": rounded(1000 * (percentile(late, 0.95) or 0), 2)}

    @staticmethod
    def _route(route) -> dict:
        seconds = sorted(route.seconds)
        statuses = {str(status): count for status, count in sorted(route.statuses.items())}
        return {"requests": len(seconds), "statuses": statuses,
                **{f"p{share}_ms": rounded(1000 * percentile(seconds, share / 100), 2) for share in (50, 95, 99)}}
