"""The waiting room while Redis, approvers and workers die: no place is lost, nobody is called twice, out of order or
faster than the rate allows, and there is one draw (QUEUE-001, QUEUE-002, QUEUE-004, QUEUE-005)."""
import concurrent.futures
import contextlib
import os
import re
import signal
import threading
import time

import pytest

from box_office import Visitor, assert_drawn, made, moment, put_on_sale, shared, tune, wait_for
from processes import answers, flush_scripts, kill, kill_redis, restart_redis, workers
from purchase import patiently
from stack_tools import alive, await_, redis_says, service_pid, sv

APPROVERS = ("queue-approver-1", "queue-approver-2")
POOLS = ("queue-1", "queue-2")
CLIENTS = 4
# multiwatch gives up a process that dies twenty times in a row within a second of its start.
KILLS_MAX = 15


class Line:
    """People in front of a sale, watched from before the first of them came."""

    def __init__(self, stack, admin, count: int, **schedule_changes):
        self.admin = admin
        self.sale = put_on_sale(admin, **schedule_changes)
        self.rate = schedule_changes.get("admissionRate", 10)
        self.people = [Visitor(stack, self.sale) for _ in range(count)]
        self.began = time.monotonic()

    def enter(self) -> list[dict]:
        return [entry(person) for person in self.people]

    def places(self) -> list[dict]:
        return [place(person) for person in self.people]

    def called(self) -> int:
        """How many have been called so far, which must be no more than the rate allows, and a second's worth."""
        lines = patiently(lambda: self.admin.call("GET", "/queue/admin/stats"), 200)["list"]
        line = next(line for line in lines if line["scheduleId"] == self.sale.schedule_id)
        assert line["called"] <= self.rate * (time.monotonic() - self.began + 1)
        assert (line["passedOver"], line["returned"]) == (0, 0)
        return line["called"]

    def assert_in_order(self) -> list[dict]:
        """Exactly those at the front of the line have been called, each once: as many as there were calls."""
        before, places, after = self.called(), self.places(), self.called()
        for found in places:
            assert found["sequence"] > before or found["status"] == "ACTIVE"
            assert found["sequence"] <= after or found["status"] == "WAITING"
        return places

    def wait_until_called(self, count: int) -> None:
        wait_for(f"{count} calls", lambda: self.called() >= count)


def entry(person: Visitor, **body) -> dict:
    return patiently(lambda: person.enter(**body), 200)


def place(person: Visitor) -> dict:
    return patiently(person.status, 200)


def number_of(entered: dict) -> int:
    return int(entered["receipt"].partition(".")[0])


@contextlib.contextmanager
def meanwhile(harass):
    """harass() is called over and over until the end, and at least once."""
    ended = threading.Event()

    def over_and_over():
        while True:
            harass()
            if ended.wait(0.01):
                return

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        harassing = pool.submit(over_and_over)
        try:
            yield
        finally:
            ended.set()
        harassing.result()


def all_at_once(act, people: list) -> list:
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(act, people))


# ---- Redis ----


class Log:
    """Redis' log, which it writes to the disk every second: a loss of power takes away what came since."""

    def __init__(self, stack):
        self.stack = stack
        self.mark()

    def mark(self) -> None:
        folder = self.stack.dir / "redis" / "appendonlydir"
        wait_for("everything in the log", lambda: b"\naof_buffer_length:0\r" in redis_says(self.stack, b"INFO persistence"))
        self.path = max(folder.glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))
        self.size = self.path.stat().st_size

    def lose_the_rest(self) -> None:
        sv(self.stack, "down", "redis")
        os.truncate(self.path, self.size)
        sv(self.stack, "up", "redis")
        wait_for("Redis", lambda: redis_says(self.stack, b"PING") == b"+PONG\r\n")


def kill_with_all_written(stack, log: Log) -> None:
    log.mark()
    kill_redis(stack)


@pytest.mark.parametrize("crash,loses", [
    (lambda stack, log: restart_redis(stack), False),
    (kill_with_all_written, False),
    (lambda stack, log: log.lose_the_rest(), True),
], ids=["restarted", "killed", "power lost"])
def test_redis_gone_in_the_middle_of_a_sale_leaves_everybody_in_place(stack, admin, crash, loses):
    """A loss of power takes back the last calls, which are repeated for the same people."""
    line = Line(stack, admin, 40, admissionRate=10)
    line.enter()
    line.wait_until_called(5)
    noted, log = line.called(), Log(stack)
    line.wait_until_called(noted + 5)
    before, called = line.assert_in_order(), line.called()
    crash(stack, log)
    assert line.called() >= (noted if loses else called)
    after = line.assert_in_order()
    assert [found["sequence"] for found in after] == [found["sequence"] for found in before]
    tokens = [(old["token"], new["token"]) for old, new in zip(before, after) if old["token"]]
    assert tokens and (loses or all(old == new for old, new in tokens))
    line.people[0].session.headers["X-Queue-Token"] = after[0]["token"]
    made(line.people[0].hold(line.sale.seats[0]))
    line.wait_until_called(len(line.people))
    assert line.called() == len(line.people)
    assert {found["status"] for found in line.assert_in_order()} == {"ACTIVE"}


def test_redis_killed_while_people_enter_loses_no_place(stack, admin):
    line = Line(stack, admin, 60)
    tune(admin, line.sale, paused=True)
    answered = []

    def enter(person):
        answered.append(entry(person))
        return answered[-1]

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        entering = pool.submit(all_at_once, enter, line.people)
        await_(lambda: len(answered) >= 15)
        kill_redis(stack)
        given = entering.result()
    again = [entry(person, receipt=first["receipt"]) for person, first in zip(line.people, given)]
    assert [back["receipt"] for back in again] == [first["receipt"] for first in given]
    assert [back["sequence"] for back in again] == [number_of(first) + 1 for first in given]


def test_receipts_bring_back_what_a_loss_of_power_took_away(stack, admin):
    """Others have got the same numbers meanwhile: all of them are called."""
    line = Line(stack, admin, 30)
    old, lost, others = line.people[:10], line.people[10:20], line.people[20:]
    tune(admin, line.sale, paused=True)
    given = [entry(person) for person in old]
    log = Log(stack)
    given += [entry(person) for person in lost]
    log.lose_the_rest()
    assert [patiently(person.status, 404)["code"] for person in lost] == ["NOT_IN_QUEUE"] * len(lost)
    assert {number_of(entry(person)) for person in others} & {number_of(first) for first in given}
    again = [entry(person, receipt=first["receipt"]) for person, first in zip(old + lost, given)]
    assert [back["receipt"] for back in again] == [first["receipt"] for first in given]
    assert [back["sequence"] for back in again] == list(range(1, len(again) + 1))
    tune(admin, line.sale, paused=False, admissionRate=1000)
    for person in line.people:
        wait_for("admission", lambda: person.status().json().get("token"))


# ---- the opening ----


def shown(boxctl, sale) -> str:
    return re.search("^state +(.*)$", boxctl("queue", "show", sale.schedule_id), re.M)[1]


@pytest.mark.parametrize("state,crash", [
    ("drawn, opens within seconds", lambda stack, log: kill_redis(stack)),
    ("open", lambda stack, log: kill_redis(stack)),
    ("drawn, opens within seconds", lambda stack, log: log.lose_the_rest()),
], ids=["killed before the draw was shown", "killed afterwards", "power lost before it was shown"])
def test_there_is_one_draw_whenever_redis_dies(stack, admin, boxctl, tmp_path, state, crash):
    line = Line(stack, admin, 20, saleStartAt=moment(seconds=3))
    arrivals = line.enter()
    assert {came["status"] for came in arrivals} == {"PRE_OPEN"}
    noted = shared("draw", line.sale)["commitment"]
    published = []

    def look():
        draw = patiently(lambda: line.people[0].call("GET", f"/queue/draw?scheduleId={line.sale.schedule_id}"), 200)
        if draw["seed"] and draw not in published:
            published.append(draw)

    log = Log(stack)
    with meanwhile(look):
        wait_for("the opening", lambda: shown(boxctl, line.sale) == state)
        before = line.places() if state == "open" else None
        crash(stack, log)
        wait_for("the draw", lambda: published)
        wait_for("the opening", lambda: {found["status"] for found in line.places()} <= {"WAITING", "ACTIVE"}, 8)
    assert len(published) == 1 and published[0]["count"] == len(line.people)
    drawn = line.places()
    assert_drawn(line.sale, noted, arrivals, drawn, tmp_path / "told")
    assert before is None or [found["sequence"] for found in before] == [found["sequence"] for found in drawn]


# ---- approvers ----


def test_approvers_killed_over_and_over_call_everybody_once_in_order(stack, admin):
    line = Line(stack, admin, 70, admissionRate=10)
    line.enter()
    for so_far in (25, 35, 45):
        line.wait_until_called(so_far)
        old = {name: kill(stack, name) for name in APPROVERS}
        line.assert_in_order()
        for name in APPROVERS:
            await_(lambda: service_pid(stack, name) not in (0, old[name]) and alive(service_pid(stack, name)))
        line.assert_in_order()
    line.wait_until_called(len(line.people))
    assert line.called() == len(line.people)
    assert {found["status"] for found in line.assert_in_order()} == {"ACTIVE"}


@contextlib.contextmanager
def stopped(pid: int):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_approver_that_hangs_and_comes_back_calls_nobody_too_many(stack, admin):
    line = Line(stack, admin, 90, admissionRate=10)
    line.enter()
    for name in APPROVERS:
        before = line.called()
        with stopped(service_pid(stack, name)):
            line.wait_until_called(before + 3 * line.rate)  # the other one alone, for three seconds
        line.assert_in_order()
    line.wait_until_called(len(line.people))
    assert line.called() == len(line.people)
    assert {found["status"] for found in line.assert_in_order()} == {"ACTIVE"}


# ---- scripts and workers ----


def test_scripts_flushed_over_and_over_are_not_noticed(stack, admin):
    line = Line(stack, admin, 30, admissionRate=1000)

    def go_through(person):
        answers = [person.enter(), *(person.status() for _ in range(4)), person.leave(), person.enter()]
        return {answer.status_code for answer in answers}

    with meanwhile(lambda: flush_scripts(stack)):
        assert set().union(*all_at_once(go_through, line.people)) == {200}
        for person in line.people:
            wait_for("admission", lambda: person.status().json().get("token"))


class Entrances:
    """People entering who repeat what was not answered."""

    def __init__(self):
        self.given = {}
        self.unanswered = 0

    def enter(self, person: Visitor) -> None:
        def ask():
            answer = person.enter()
            self.unanswered += answer.status_code == 502
            return answer
        self.given[person] = patiently(ask, 200)


def test_workers_killed_while_people_enter_give_everybody_one_place(stack, admin, boxctl):
    line, entrances = Line(stack, admin, 0), Entrances()
    tune(admin, line.sale, paused=True)
    whole = {pool: len(workers(stack, pool)) for pool in POOLS}
    pools, all_in = list(POOLS) * KILLS_MAX, threading.Event()

    def kill_pool():
        pool, entered = pools.pop(), len(entrances.given)
        victims = workers(stack, pool)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        await_(lambda: len(workers(stack, pool) - victims) == whole[pool] and answers(stack, pool))
        await_(lambda: all_in.is_set() or len(entrances.given) > entered)

    with meanwhile(lambda: pools and kill_pool()):
        while pools and entrances.unanswered < 5:
            crowd = [Visitor(stack, line.sale) for _ in range(20)]
            line.people += crowd
            all_at_once(entrances.enter, crowd)
        all_in.set()
    numbers = [number_of(entrances.given[person]) for person in line.people]
    assert sorted(numbers) == list(range(len(line.people)))
    assert [number_of(entry(person)) for person in line.people] == numbers
    assert re.search(rf"^last place +{len(line.people)}$", boxctl("queue", "show", line.sale.schedule_id), re.M)
