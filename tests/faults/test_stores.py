"""Stores that are restarted, killed or away while people buy: no acknowledged thing is lost, nothing happens twice."""
import concurrent.futures
import uuid

import pytest
import requests

from box_office import PATIENCE_S, wait_for
from people import TIMEOUT_S, Person, assert_error
from processes import all_pids, empty_redis, flush_scripts, kill, kill_redis, restart_redis
from stack_tools import sv


# And whether money is in flight meanwhile. Not while Redis is away: PortOne's stand-in keeps its ledger there, which
# PortOne does not; the circuit breaker would open.
DISTURBANCES = {
    "scripts flushed": (flush_scripts, True),
    "Redis restarted": (restart_redis, False),
    "Redis killed": (kill_redis, False),
    "PostgreSQL restarted": (lambda stack: sv(stack, "restart", "postgres"), True),
    "PostgreSQL killed": (lambda stack: kill(stack, "postgres"), True),
    "Kafka killed": (lambda stack: kill(stack, "kafka"), True),
}


@pytest.mark.parametrize("disturb,in_flight", DISTURBANCES.values(), ids=DISTURBANCES.keys())
def test_purchases_at_every_step_end_well(stack, disturb, in_flight, purchases, slow_portone, minute_passes, query):
    """One has held, one ordered, one authorised, one paid; one is being charged at that moment."""
    confirming, *others = purchases
    confirming.advance("authorise")
    for purchase, step in zip(others, ("hold", "order", "authorise", "confirm")):
        purchase.advance(step)
    ours = all_pids(stack)
    with concurrent.futures.ThreadPoolExecutor(len(purchases)) as pool:
        if in_flight:
            slow_portone(500)
        finishing = [pool.submit(confirming.advance)] if in_flight else []
        wait_for("the call to PortOne", slow_portone.taken)
        disturb(stack)
        finishing += [pool.submit(purchase.advance) for purchase in (others if in_flight else purchases)]
        wait_for("PortOne's charge", confirming.charged)
        wait_for("PostgreSQL", minute_passes)
        for future in finishing:
            future.result()
    tickets = {purchase.ticket() for purchase in purchases}
    assert len(tickets) == len(purchases)
    assert all_pids(stack) == ours
    assert_everything_published(query)


def assert_everything_published(query, patience_s: float = PATIENCE_S):
    wait_for("an empty outbox",
             lambda: query("SELECT count(*) FROM common.outbox_events WHERE published_at IS NULL") == [["0"]], patience_s)


def assert_in_order(query, which: str = "true"):
    """No event went out before an earlier one of its key."""
    assert query(f"SELECT id FROM (SELECT id, published_at < lag(published_at) OVER (PARTITION BY topic, partition_key "
                 f"ORDER BY id) AS early FROM common.outbox_events WHERE {which}) AS event WHERE early LIMIT 1") == []


# ---- empty ----


def test_redis_that_comes_back_empty_learns_who_was_sent_away(stack, base_url, sandbox_url, boxctl):
    """Within the period of the job, which is a minute."""
    leaver, demoted = Person(base_url, sandbox_url), Person(base_url, sandbox_url)
    for person in (leaver, demoted):
        person.sign_up()
    boxctl("admin", "grant", demoted.email, "--unproved")
    for person in (leaver, demoted):
        person.log_in()
    assert leaver.call("POST", "/auth/logout").status_code == 204
    boxctl("admin", "revoke", demoted.email)
    empty_redis(stack)
    wait_for("the session to be known as ended again", lambda: leaver.call("GET", "/users/me").status_code == 401, 90)
    wait_for("the end of an administrator's rights",
             lambda: demoted.call("POST", "/venues", json={}).status_code == 401, 90)
    assert_error(leaver.call("GET", "/users/me"), 401, "TOKEN_REVOKED")
    assert_error(demoted.call("POST", "/venues", json={}), 401, "TOKEN_REVOKED")


# ---- away for a while ----


@pytest.fixture
def away(stack):
    """away(store) stops it; back(store) too at the end of the test."""
    stopped = []

    def stop(store):
        stopped.append(store)
        sv(stack, "down", store)

    def start():
        while stopped:
            sv(stack, "up", stopped.pop())

    stop.back = start
    yield stop
    start()


def assert_unavailable(answer):
    assert_error(answer, 503, answer.json()["code"])
    assert int(answer.headers["Retry-After"]) >= 1


def test_redis_away_refuses_what_needs_it_and_serves_the_rest(stack, away, purchases, base_url):
    holding, paying, *_ = purchases
    paying.advance("authorise")
    schedule = holding.buyer.sale.schedule_id
    away("redis")
    assert requests.get(f"{base_url}/events", timeout=TIMEOUT_S).status_code == 200
    assert requests.get(f"{base_url}/events/schedules/{schedule}/seats", timeout=TIMEOUT_S).status_code == 200
    assert_unavailable(holding.buyer.call("POST", "/queue/enter", json={"scheduleId": schedule}))
    assert_unavailable(holding.buyer.call("GET", f"/queue/status?scheduleId={schedule}"))
    assert_unavailable(holding.buyer.hold(*holding.seats))
    away.back()
    for purchase in (holding, paying):
        purchase.advance()
        purchase.ticket()


def test_postgresql_away_is_told_and_comes_back(stack, away, purchases, base_url):
    holding, paying, *_ = purchases
    paying.advance("order")
    away("postgres")
    assert_unavailable(holding.buyer.hold(*holding.seats))
    assert_unavailable(holding.buyer.call("GET", "/reservations"))
    assert_unavailable(paying.buyer.order(paying.held))
    assert_unavailable(paying.buyer.call("GET", f"/payments/{paying.order['paymentId']}"))
    assert requests.get(f"{base_url}/health/live", timeout=TIMEOUT_S).status_code == 200
    away.back()
    for purchase in (holding, paying):
        purchase.advance()
        purchase.ticket()


def test_postgresql_away_leaves_the_catalogue_that_was_read_before(away, purchases):
    """Who shows a token is answered by the service, never by the gateway's copy."""
    buyer = purchases[0].buyer
    sale = buyer.sale
    schedule = f"/events/schedules/{sale.schedule_id}"
    known = {path: buyer.call("GET", path) for path in (
        "/events", f"/events/{sale.event_id}", f"{schedule}/seats", f"{schedule}/layout", f"{schedule}/live")}
    away("postgres")
    for path, before in known.items():
        answer = buyer.call("GET", path)
        assert (answer.status_code, answer.headers["ETag"]) == (200, before.headers["ETag"])
    assert_unavailable(buyer.call("GET", "/events?q=unheard-of"))
    assert_unavailable(buyer.call("GET", f"/events/{uuid.uuid4()}"))
    away.back()
    wait_for("the database", lambda: buyer.call("GET", "/events?q=unheard-of").status_code == 200)


BACKLOG = 50000
BACKLOG_KEYS = 10000
BACKLOG_PATIENCE_S = 120  # the machine may have much else to do
# Into a topic that nobody reads: only the relay is at work.
MAKE_BACKLOG = f"""
INSERT INTO common.outbox_events (id, aggregate_type, aggregate_id, topic, partition_key, event_type, envelope)
SELECT id, 'Payment', id, 'dlq.event', 'backlog-' || n % {BACKLOG_KEYS}, 'Nothing', jsonb_build_object(
    'eventId', id, 'eventType', 'Nothing', 'aggregateType', 'Payment', 'aggregateId', id, 'version', 'v1',
    'timestamp', '2026-01-01T00:00:00Z', 'payload', '{{}}'::jsonb)
FROM (SELECT n, uuidv7() AS id FROM generate_series(1, {BACKLOG}) AS n) AS new
"""
OF_BACKLOG = "partition_key LIKE 'backlog-%'"


@pytest.fixture
def make_backlog(query):
    """make_backlog() writes it; at the end of the test it is gone."""
    yield lambda: query(MAKE_BACKLOG)
    query(f"DELETE FROM common.outbox_events WHERE {OF_BACKLOG}")


def test_backlog_of_a_long_outage_goes_out_whole_and_in_order(make_backlog, away, query):
    away("kafka")
    make_backlog()
    away.back()
    assert_everything_published(query, BACKLOG_PATIENCE_S)
    assert query(f"SELECT count(*), max(attempts) FROM common.outbox_events WHERE {OF_BACKLOG}") == [[str(BACKLOG), "0"]]
    assert_in_order(query, OF_BACKLOG)


def test_kafka_away_delays_tickets_and_keeps_the_order(away, purchases, query):
    """Payments succeed all the same; every ticket comes afterwards, each buyer's events in the order they were made."""
    away("kafka")
    for purchase in purchases:
        purchase.advance()
    detail = purchases[0].buyer.reservation(purchases[0].held)
    assert (detail["status"], detail["ticketNumber"]) == ("PENDING", None)
    away.back()
    assert len({purchase.ticket() for purchase in purchases}) == len(purchases)
    assert_everything_published(query)
    ids = ", ".join(f"'{purchase.order['paymentId']}'" for purchase in purchases)
    assert len(query(f"SELECT id FROM common.outbox_events WHERE aggregate_id IN ({ids})")) == len(purchases)
    assert_in_order(query)
