"""Any one process may die at any moment: it is back within a second, and whoever is buying does not lose anything."""
import concurrent.futures
import contextlib
import datetime
import json
import os
import signal
import threading
import time
import uuid

import pytest
import requests

from box_office import wait_for
from people import Person, Visitor
from processes import DAEMONS, RESPONDERS, answers, kill, workers
from stack_tools import alive, await_, children, healthy, service_pid, sv

BACK_S = 1.0
# What the machine itself may add to that second while it runs every other test.
SLACK_S = 1.0


@contextlib.contextmanager
def back_within_a_second():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < BACK_S + SLACK_S


@pytest.mark.parametrize("responder", RESPONDERS)
def test_worker_killed_is_back_within_a_second(stack, responder, purchases):
    pool = f"{responder}-1"
    before = workers(stack, pool)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    with back_within_a_second():
        await_(lambda: len(workers(stack, pool)) == len(before) and victim not in workers(stack, pool))
        await_(lambda: answers(stack, pool))
    purchases[0].advance()
    purchases[0].ticket()


@pytest.mark.parametrize("responder", RESPONDERS)
def test_pool_killed_is_back_within_a_second_and_leaves_no_orphan(stack, responder, purchases):
    pool = f"{responder}-1"
    orphans = workers(stack, pool)
    before = kill(stack, pool)
    with back_within_a_second():
        await_(lambda: service_pid(stack, pool) not in (0, before) and answers(stack, pool))
    await_(lambda: not any(alive(pid) for pid in orphans))
    purchases[0].advance()
    purchases[0].ticket()


@pytest.mark.parametrize("daemon", DAEMONS)
def test_daemon_killed_is_back_within_a_second(stack, daemon, purchases):
    before = kill(stack, daemon)
    with back_within_a_second():
        await_(lambda: service_pid(stack, daemon) not in (0, before) and alive(service_pid(stack, daemon)))
    purchases[0].advance()
    purchases[0].ticket()


def test_nginx_killed_is_back_within_a_second_and_leaves_no_orphan(stack, purchases):
    """Its workers would go on listening."""
    master = service_pid(stack, "nginx")
    orphans = children(master)
    kill(stack, "nginx")
    with back_within_a_second():
        await_(lambda: service_pid(stack, "nginx") not in (0, master) and children(service_pid(stack, "nginx")))
        await_(lambda: not any(alive(pid) for pid in orphans))
    purchases[0].advance()
    purchases[0].ticket()


def test_daemons_killed_over_and_over_while_buyers_pay(stack, purchases):
    """Whatever they were at, nothing is lost and nothing done twice."""
    ended = threading.Event()
    kills = []

    def harass():
        while not ended.is_set() and len(kills) < 2 * len(DAEMONS):
            kills.append(kill(stack, DAEMONS[len(kills) % len(DAEMONS)]))
            ended.wait(0.02)

    def buy(purchase):
        purchase.advance()
        return purchase.ticket()

    with concurrent.futures.ThreadPoolExecutor(1 + len(purchases)) as pool:
        killing = pool.submit(harass)
        try:
            tickets = list(pool.map(buy, purchases))
        finally:
            ended.set()
        killing.result()
    assert len(set(tickets)) == len(purchases) and kills
    wait_for("living daemons", lambda: all(alive(service_pid(stack, daemon)) for daemon in DAEMONS))


@pytest.mark.parametrize("responder", ["reservation", "payment"])
def test_every_worker_killed_while_money_is_in_flight(stack, responder, purchases, slow_portone, minute_passes):
    """The charge goes through while nobody is left to hear of it."""
    confirming, *others = purchases
    confirming.advance("authorise")
    for purchase, step in zip(others, ("hold", "order", "authorise", "confirm")):
        purchase.advance(step)
    slow_portone(1000)
    with concurrent.futures.ThreadPoolExecutor(len(purchases)) as pool:
        finishing = pool.submit(confirming.advance)
        await_(slow_portone.taken)
        for worker in workers(stack, f"{responder}-1") | workers(stack, f"{responder}-2"):
            os.kill(worker, signal.SIGKILL)
        finishing = [finishing, *(pool.submit(purchase.advance) for purchase in others)]
        wait_for("PortOne's charge", confirming.charged)
        wait_for("PostgreSQL", minute_passes)
        for future in finishing:
            future.result()
    assert len({purchase.ticket() for purchase in purchases}) == len(purchases)


# ---- restarting on purpose ----


@contextlib.contextmanager
def crowd(*requests_of):
    """Each of these is sent over and over; stop() gives the statuses of all answers."""
    ended = threading.Event()
    statuses = []

    def ask(send):
        with requests.Session() as session:
            while not ended.is_set():
                statuses.append(send(session).status_code)

    with concurrent.futures.ThreadPoolExecutor(len(requests_of)) as pool:
        asking = [pool.submit(ask, send) for send in requests_of]

        def stop():
            ended.set()
            for future in asking:
                future.result()
            return statuses

        stop.statuses = statuses
        try:
            yield stop
        finally:
            ended.set()


@pytest.fixture
def readers(base_url):
    with crowd(*[lambda session: session.get(f"{base_url}/events", timeout=30)] * 4) as stop:
        yield stop


def test_rolling_restart_of_the_workers_loses_no_request(stack, readers):
    """SIGUSR1: each finishes what it has accepted; multiwatch starts the next."""
    await_(lambda: readers.statuses)
    for pool in ("event-1", "event-2"):
        for worker in workers(stack, pool):
            count = len(workers(stack, pool))
            os.kill(worker, signal.SIGUSR1)
            await_(lambda: worker not in workers(stack, pool) and len(workers(stack, pool)) == count)
    assert set(readers()) == {200}


def test_restart_of_one_pool_after_the_other_loses_no_request(stack, readers):
    await_(lambda: readers.statuses)
    for pool in ("event-1", "event-2"):
        sv(stack, "restart", pool)
        await_served_by(stack, pool, "200")
    assert set(readers()) == {200}


def test_restart_of_pools_under_posting_clients_loses_no_post(stack, base_url):
    """What nginx has handed over is answered; what it has not yet goes to the other pool, though a POST is sent once."""
    with crowd(*[lambda session: session.post(f"{base_url}/reservations/hold", json={}, timeout=30)] * 4) as posting:
        for pool in ("reservation-1", "reservation-2") * 3:
            sv(stack, "restart", pool)
            await_served_by(stack, pool, "401")
        assert set(posting()) == {401}


# Where connections to the responders are kept; each request is refused, whoever answers it.
KEPT = (("GET", "/queue/status?scheduleId="), ("POST", "/queue/enter"), ("DELETE", "/queue/leave?scheduleId="),
        ("GET", "/reservations"), ("GET", "/users/me"))


@pytest.fixture
def asking(base_url):
    """Over kept connections."""
    def sender(method: str, path: str):
        return lambda session: session.request(method, base_url + path, json={}, timeout=30)

    with crowd(*[sender(*request) for request in KEPT * 2]) as stop:
        yield stop


def test_restart_of_pools_with_kept_connections_loses_no_request(stack, asking):
    """Nobody closes a connection that nginx might just be using: it serves until nginx has let go of it."""
    await_(lambda: asking.statuses)
    for pool in ("queue-1", "queue-2", "reservation-1", "reservation-2", "user-1", "user-2"):
        sv(stack, "restart", pool)
        await_served_by(stack, pool, "401")
    assert set(asking()) == {401}


def test_renewal_of_workers_with_kept_connections_loses_no_request(stack, asking):
    await_(lambda: asking.statuses)
    before = workers(stack, "queue-1") | workers(stack, "queue-2")
    for worker in before:
        os.kill(worker, signal.SIGUSR1)
    wait_for("other workers", lambda: not before & (workers(stack, "queue-1") | workers(stack, "queue-2")))
    assert set(asking()) == {401}


def test_death_of_workers_with_kept_connections_loses_no_request(stack, asking):
    """What was on its way to one that died is sent to another; entering too, as it may be repeated."""
    await_(lambda: asking.statuses)
    for pool in ("queue-1", "queue-2", "reservation-1", "user-1", "queue-1", "queue-2"):
        count = len(workers(stack, pool))
        victim = min(workers(stack, pool))
        asked = len(asking.statuses)
        os.kill(victim, signal.SIGKILL)
        await_(lambda: victim not in workers(stack, pool) and len(workers(stack, pool)) == count)
        await_(lambda: len(asking.statuses) > asked + 100)
    assert set(asking()) == {401}


def test_death_of_a_worker_of_each_pool_at_once_refuses_nobody(stack, asking):
    """So many connections fail at once that nginx could take both pools for dead."""
    await_(lambda: asking.statuses)
    for _ in range(3):
        counts = {pool: len(workers(stack, pool)) for pool in ("queue-1", "queue-2")}
        victims = {min(workers(stack, pool)) for pool in counts}
        asked = len(asking.statuses)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        await_(lambda: all(len(workers(stack, pool)) == count and not victims & workers(stack, pool)
                           for pool, count in counts.items()))
        await_(lambda: len(asking.statuses) > asked + 100)
    # Two tries may meet two that die; nobody is refused because of others' failures.
    assert asking().count(401) >= len(asking.statuses) - 2 * 3 * len(KEPT)


def await_served_by(stack, pool: str, status: str) -> None:
    """Until nginx, which leaves a pool alone for a second after failures, has been answered by it again."""
    back = datetime.datetime.now(datetime.timezone.utc)
    await_(lambda: any(line["upstream"].endswith(f"/{pool}.sock") and line["upstreamStatus"] == status
                       and datetime.datetime.fromisoformat(line["time"]) > back for line in access_lines(stack)))


def access_lines(stack) -> list[dict]:
    """Whole lines only: the log may be in the middle of one."""
    text = (stack.log / "nginx-access" / "current").read_text()
    return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def test_access_log_is_whole_when_nginx_stops_at_once(stack, base_url):
    """Lines wait in nginx for up to a second; those that wait when it ends are written all the same."""
    traces = {uuid.uuid4().hex for _ in range(20)}
    with requests.Session() as session:
        for trace in traces:
            assert session.get(f"{base_url}/health/live", headers={"X-Trace-Id": trace}, timeout=30).status_code == 200
    sv(stack, "restart", "nginx")
    await_(lambda: traces <= {line["traceId"] for line in access_lines(stack)})
    await_(lambda: healthy(stack))
