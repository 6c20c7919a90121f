"""tests/load/queue_sale is a judge: here it must convict. A sale is made up in which exactly one thing is wrong."""
import json
import pathlib
import sys
import types
import xml.etree.ElementTree

import pytest

LOAD = pathlib.Path(__file__).parents[1] / "load"
sys.path.insert(0, str(LOAD))

from salelib import chart, judge, ledger, people, visits  # noqa: E402

RATE = 10
OPENS = 1000.0


class Wire:
    """Takes requests and timers and does nothing with them."""

    retry_after = 0

    def __init__(self):
        self.sent, self.timers = [], []

    def at(self, when, action, *args):
        self.timers.append((when, action, args))

    def send(self, route, data, done, subject=None, detail=None):
        self.sent.append((route, subject))


def joined(index: int, number: int, at: float) -> people.Person:
    """Somebody who entered and was answered a tenth of a second later."""
    person = people.Person(index, f"user {index}")
    person.number, person.first_sent, person.answered = number, at, at + 0.1
    person.follows = person.reloads = person.two_tabs = False
    person.returns_after = person.finishes_after = None
    return person


def sale_of(crowd: list, drawn: int | None = None) -> visits.Visits:
    sale = types.SimpleNamespace(base_url="http://127.0.0.1:1", schedule_id="schedule", rate=RATE)
    sim = visits.Visits(Wire(), sale, crowd, ledger.Ledger(), "admin", OPENS, 1)
    sim.ledger.draw = {"count": drawn}
    return sim


def verdict(sim: visits.Visits) -> dict:
    found = judge.Judge(sim, types.SimpleNamespace(routes={}, late=[], reconnects=0))
    return {name: row["count"] for name, row in found.invariants().items()}


def broken(sim: visits.Visits) -> list[str]:
    return [name for name, count in verdict(sim).items() if count]


def waiting(sequence: int, **more) -> bytes:
    return json.dumps({"status": "WAITING", "sequence": sequence, "rank": 1, "estimatedWaitTime": 9, "pollAfter": 5,
                       "token": None} | more).encode()


def active(token: str) -> bytes:
    return json.dumps({"status": "ACTIVE", "token": token, "pollAfter": 5}).encode()


def enter_line(sim: visits.Visits, person, sequence: int, at: float) -> None:
    sim._move(person, people.IN_LINE)
    sim.asked(person, 0, 200, waiting(sequence), at, at + 0.1)


# ---- joins ----


def test_joins_in_order_and_overlapping_ones_are_innocent():
    assert broken(sale_of([joined(0, 1, 1), joined(1, 2, 2), joined(2, 4, 3.00), joined(3, 3, 3.05)])) == []


def test_a_lower_number_after_an_answered_higher_one_is_an_inversion():
    assert broken(sale_of([joined(0, 2, 1), joined(1, 1, 2)])) == [judge.JOINS]


def test_a_late_person_before_the_draws_is_an_inversion():
    late = joined(0, 1, 1)
    late.sequence = 1
    assert broken(sale_of([late], drawn=5)) == [judge.JOINS]


# ---- places ----


def test_two_people_with_one_place_are_found():
    crowd = [joined(0, 1, 1), joined(1, 2, 2)]
    crowd[0].sequence = crowd[1].sequence = 7
    assert broken(sale_of(crowd)) == [visits.PLACES]


def test_a_changed_sequence_is_a_place_lost():
    sim = sale_of([joined(0, 1, 1)])
    enter_line(sim, sim.people[0], 1, OPENS)
    sim.asked(sim.people[0], 0, 200, waiting(2), OPENS + 5, OPENS + 5.1)
    assert broken(sim) == [visits.PLACES]


def test_not_in_queue_is_a_place_lost_unless_one_has_left():
    stays, leaves = joined(0, 1, 1), joined(1, 2, 2)
    sim = sale_of([stays, leaves])
    for person in sim.people:
        enter_line(sim, person, person.number, OPENS)
    leaves.announces = True
    sim.give_up(leaves)
    sim.asked(leaves, 0, 404, b"{}", OPENS + 5, OPENS + 5.1)
    assert broken(sim) == []
    sim.asked(stays, 0, 404, b"{}", OPENS + 5, OPENS + 5.1)
    assert broken(sim) == [visits.PLACES]


def test_another_token_for_the_same_person_is_found():
    sim = sale_of([joined(0, 1, 1)])
    enter_line(sim, sim.people[0], 1, OPENS)
    sim.asked(sim.people[0], 0, 200, active("qr_1"), OPENS + 5, OPENS + 5.1)
    sim.asked(sim.people[0], 1, 200, active("qr_2"), OPENS + 6, OPENS + 6.1)
    assert broken(sim) == [visits.PLACES]


# ---- calls ----


def overtaken(gap: float) -> visits.Visits:
    """The second in line gets a token, then the first, silent for `gap` seconds, asks and is told to wait."""
    first, second = joined(0, 1, 1), joined(1, 2, 2)
    sim = sale_of([first, second])
    enter_line(sim, first, 1, OPENS)
    enter_line(sim, second, 2, OPENS)
    sim.asked(second, 0, 200, active("qr_1"), OPENS + gap - 1, OPENS + gap - 0.9)
    sim.asked(first, 0, 200, waiting(1), OPENS + gap, OPENS + gap + 0.1)
    return sim


def test_who_polls_as_told_is_not_overtaken():
    assert broken(overtaken(5)) == [visits.OVERTAKEN]


def test_who_stayed_away_may_be_passed_over():
    assert broken(overtaken(26)) == []


# ---- the rate ----


@pytest.mark.parametrize("at, above", [(OPENS + 1, 0), (OPENS + 0.4, 6)])
def test_tokens_above_the_rate_are_counted(at, above):
    sim = sale_of([])
    for _ in range(20):
        sim.ledger.tokens.append(at)
    assert verdict(sim)["admitted above rate"] == above


@pytest.mark.parametrize("called, above", [(30, 0), (31, 1)])
def test_calls_between_samples_are_held_against_the_rate(called, above):
    sim = sale_of([])
    for at, count in ((0, 0), (10, 50), (12, 50 + called)):
        sim.ledger.stats.append((OPENS + at, OPENS + at, {"called": count}))
    assert verdict(sim)["admitted above rate"] == above


# ---- estimates and charts ----


def test_an_estimates_error_is_relative_to_the_time_until_the_call():
    person = joined(0, 1, 1)
    sim = sale_of([person])
    enter_line(sim, person, 1, OPENS)
    person.token, person.token_at = "qr_1", OPENS + 101
    sim.ledger.estimate(person, OPENS + 20, 100)
    sim.ledger.serving += [(OPENS + 50, 0, 1), (OPENS + 100, 1, 0)]
    found = judge.Judge(sim, None).estimate_errors()
    assert [(row["at_s"], row["p50"], row["bias"]) for row in found["by_time"]] == [(0, 0.91, -0.91), (20, 0.25, 0.25)]


def test_charts_are_well_formed_with_one_point_or_none():
    for points in ([], [(0, 0)], [(0, 1), (1, 5)]):
        drawn = chart.svg(chart.Chart("a < b", "x", "y", [chart.Series("one & all", points)]))
        assert xml.etree.ElementTree.fromstring(drawn).tag.endswith("svg")


# ---- the crowd ----


def test_the_same_seed_gives_the_same_behaviours_and_other_users():
    one, other = (people.crowd(3, salt, 200, people.Shares(), 10, 40) for salt in ("a", "b"))
    assert [(p.arrives, p.patience, p.reloads) for p in one] == [(p.arrives, p.patience, p.reloads) for p in other]
    assert not {p.user for p in one} & {p.user for p in other}
