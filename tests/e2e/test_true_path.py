"""One buyer from sign-up to ticket, and the turns that way can take when time runs out or PortOne does not answer.

What a single payment can meet stands in test_payment.py; here is what needs the whole system and its clocks.
"""
import concurrent.futures
import json
import re
import uuid

import pytest
import requests

from box_office import PRICE, Buyer, lasting, ledger_of, made, wait_for
from people import TIMEOUT_S, assert_error


@pytest.fixture
def faults(sandbox_url):
    def put(**fault):
        answer = requests.post(f"{sandbox_url}/sandbox/faults", json={"target": "portone"} | fault, timeout=TIMEOUT_S)
        assert answer.ok, answer.text
    yield put
    requests.delete(f"{sandbox_url}/sandbox/faults", timeout=TIMEOUT_S)


@pytest.fixture
def lapse(query):
    """lapse(held) moves the end of a hold into the past; the stack's periodic job does the rest."""

    def move(held):
        reservation = held["reservationId"]
        query(f"UPDATE reservation_service.seat_claims SET expires_at = clock_timestamp() - interval '1 second' "
              f"WHERE reservation_id = '{reservation}'")
        query(f"UPDATE reservation_service.reservations SET hold_expires_at = clock_timestamp() - interval '1 second' "
              f"WHERE id = '{reservation}'")
    return move


def states(sale, seats):
    now = sale.seat_states()
    return [now[seat] for seat in seats]


def assert_one_charge(sandbox_url, order):
    ledger = ledger_of(sandbox_url, order)
    assert [charge["amount"] for charge in ledger["charges"]] == [order["amount"]]
    assert ledger["cancellations"] == []


def wait_for_refund(sandbox_url, order):
    ledger = wait_for("the money back", lambda: (found := ledger_of(sandbox_url, order))["cancellations"] and found)
    assert [charge["amount"] for charge in ledger["charges"]] == [order["amount"]]
    assert [back["amount"] for back in ledger["cancellations"]] == [order["amount"]]


# ---- the true path ----


def test_one_buyer_from_sign_up_to_ticket(sale, base_url, sandbox_url, boxctl, query):
    trace = uuid.uuid4().hex
    seats = sale.seats[:2]
    buyer = Buyer(base_url, sandbox_url)
    assert buyer.sign_up()["email"] == buyer.email
    assert buyer.log_in()["tokenType"] == "Bearer"
    buyer.admit(sale)
    assert re.fullmatch(r"qr_[0-9a-f-]{36}", buyer.session.headers["X-Queue-Token"])
    held = made(buyer.hold(*seats))
    assert (held["status"], held["totalAmount"]) == ("PENDING", 2 * PRICE)
    order = made(buyer.order(held), 200)
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    assert ledger_of(sandbox_url, order)["charges"] == []
    buyer.session.headers["X-Trace-Id"] = trace
    answer = buyer.confirm(held, order, paid)
    assert made(answer, 200)["status"] == "SUCCESS" and answer.headers["X-Trace-Id"] == trace
    ticket = buyer.wait_until(held, "CONFIRMED")
    assert re.fullmatch(r"T\d{8}-[2-9A-HJKMNP-Z]{7}", ticket["ticketNumber"])
    assert [seat["seatId"] for seat in ticket["seats"]] == seats and ticket["paymentId"] == order["paymentId"]
    wait_for("both seats SOLD", lambda: states(sale, seats) == ["SOLD", "SOLD"])
    assert states(sale, sale.seats[2:]) == ["AVAILABLE"] * 8
    assert_one_charge(sandbox_url, order)
    wait_for("an empty outbox", lambda: boxctl("outbox", "status").split() == ["unpublished", "0"])
    assert_events_carry(query, trace, order["paymentId"], held["reservationId"])


def assert_events_carry(query, trace, payment_id, reservation_id):
    """What the payment announced, and what that led to in another process."""
    rows = query("SELECT topic, event_type, envelope FROM common.outbox_events "
                 f"WHERE aggregate_id IN ('{payment_id}', '{reservation_id}') ORDER BY id")
    assert [row[:2] for row in rows] == [["payment.events", "PaymentSuccess"],
                                         ["reservation.events", "ReservationConfirmed"]]
    assert {json.loads(row[2])["metadata"]["correlationId"] for row in rows} == {trace}


# ---- PortOne does not answer ----


def test_portone_hangs_beyond_the_time_out_then_is_settled(buyer, rival, sale, sandbox_url, faults):
    """One was charged before PortOne went silent, one was not: the first gets a ticket by itself, the other by asking
    again."""
    ways = []
    for person, seat in ((buyer, sale.seats[0]), (rival, sale.seats[1])):
        held = made(person.hold(seat))
        order = made(person.order(held), 200)
        ways.append((held, order, person.pay_at_portone(order, "AUTHORIZED")))
    faults(operation="get", status=503)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        faults(operation="confirm", hang=True, loseAnswer=True, times=1)
        charged = pool.submit(buyer.confirm, *ways[0])
        wait_for("the charge", lambda: ledger_of(sandbox_url, ways[0][1])["charges"])
        faults(operation="confirm", hang=True, times=1)
        for answer in (pool.submit(rival.confirm, *ways[1]), charged):
            assert made(answer.result(), 202)["status"] == "PENDING"
    requests.delete(f"{sandbox_url}/sandbox/faults", timeout=TIMEOUT_S)
    wait_for("SUCCESS", lambda: rival.confirm(*ways[1]).status_code == 200)
    for person, (held, order, _) in zip((buyer, rival), ways):
        person.wait_until(held, "CONFIRMED")
        assert_one_charge(sandbox_url, order)


def test_webhooks_that_come_late_or_again_change_nothing(stack, buyer, sale, sandbox_url, query):
    held = made(buyer.hold(*sale.seats[:2]))
    order = made(buyer.order(held), 200)
    buyer.pay_at_portone(order, "PAID", webhook=False)
    webhook = f"{sandbox_url}/sandbox/payments/{order['paymentKey']}/webhook"
    log = stack.log / "nginx-access" / "current"
    before = log.stat().st_size
    assert requests.post(webhook, json={"times": 2}, timeout=TIMEOUT_S).ok
    ticket = buyer.wait_until(held, "CONFIRMED")
    assert requests.post(webhook, json={"times": 2, "delayMs": 200}, timeout=TIMEOUT_S).ok
    taken = '"path":"/payments/webhook","status":"200"'
    wait_for("all four", lambda: log.read_bytes()[before:].count(taken.encode()) == 4)
    assert buyer.reservation(held) == ticket
    assert_one_charge(sandbox_url, order)
    assert query(f"SELECT count(*) FROM common.outbox_events WHERE aggregate_id = '{order['paymentId']}'") == [["1"]]


# ---- repeating ----


def test_hold_sent_twice_at_once_is_one_reservation(buyer, sale):
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: buyer.hold(*sale.seats[:2], **key), range(2)))
    for answer in answers:  # the second one has come while the first was running, or after it
        if answer.status_code == 409:
            assert_error(answer, 409, "IDEMPOTENCY_KEY_IN_USE")
            assert int(answer.headers["Retry-After"]) >= 1
    held = [made(answer) for answer in answers if answer.status_code != 409]
    assert held and all(lasting(one) == lasting(held[0]) for one in held)
    again = wait_for("the end of the first", lambda: [it for it in [buyer.hold(*sale.seats[:2], **key)] if it.ok])[0]
    assert lasting(made(again)) == lasting(held[0]) and again.headers["Idempotency-Replayed"] == "true"
    assert buyer.call("GET", "/reservations").json()["totalElements"] == 1


# ---- time runs out ----


def test_hold_that_lapses_frees_its_seats(buyer, rival, sale, lapse):
    held = made(buyer.hold(*sale.seats[:2]))
    assert_error(rival.hold(sale.seats[0]), 409, "SEAT_ALREADY_HELD")
    lapse(held)
    buyer.wait_until(held, "CANCELLED")
    made(rival.hold(*sale.seats[:2]))


def assert_refused(buyer, held, order, paid):
    """By the confirm itself, or by payment-saga that has heard first of the lost hold; 202 while it is at work."""
    refused = wait_for("the refusal", lambda: [it for it in [buyer.confirm(held, order, paid)] if it.status_code != 202])[0]
    assert refused.status_code == 409
    assert refused.json()["code"] in ("HOLD_EXPIRED", "PAYMENT_ALREADY_PROCESSED")


def test_late_confirm_of_a_lost_seat_is_refused_and_not_charged(buyer, rival, sale, sandbox_url, lapse):
    held, order, paid = lose_seat(buyer, rival, sale, lapse, "AUTHORIZED")
    assert_refused(buyer, held, order, paid)
    assert ledger_of(sandbox_url, order)["charges"] == []
    assert buyer.payment(order)["status"] == "FAILED"


def test_late_money_for_a_lost_seat_goes_back(buyer, rival, sale, sandbox_url, lapse):
    held, order, paid = lose_seat(buyer, rival, sale, lapse, "PAID")
    assert_refused(buyer, held, order, paid)
    wait_for_refund(sandbox_url, order)


def test_late_webhook_for_a_lost_seat_gives_the_money_back(buyer, rival, sale, sandbox_url, lapse):
    """The browser vanished after paying, and the hold had lapsed."""
    _, order, _ = lose_seat(buyer, rival, sale, lapse, "PAID")
    assert requests.post(f"{sandbox_url}/sandbox/payments/{order['paymentKey']}/webhook", json={}, timeout=TIMEOUT_S).ok
    wait_for_refund(sandbox_url, order)


def lose_seat(buyer, rival, sale, lapse, outcome):
    """The buyer pays at PortOne, but somebody else has the seat by then, and buys it."""
    seat = sale.seats[0]
    held = made(buyer.hold(seat))
    order = made(buyer.order(held), 200)
    lapse(held)
    buyer.wait_until(held, "CANCELLED")
    taken = made(rival.hold(seat))
    paid = buyer.pay_at_portone(order, outcome, **({"webhook": False} if outcome == "PAID" else {}))
    bought = made(rival.order(taken), 200)
    assert made(rival.confirm(taken, bought, rival.pay_at_portone(bought, "AUTHORIZED")), 200)["status"] == "SUCCESS"
    rival.wait_until(taken, "CONFIRMED")
    return held, order, paid
