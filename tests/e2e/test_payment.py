"""Paying through the gateway: the ticket, and every way in which paying goes wrong (PAY-001 to PAY-015, RSV-004)."""
import concurrent.futures
import re
import uuid

import pytest
import requests

from box_office import PRICE, ledger_of, made, new_buyer, put_on_sale, wait_for
from people import MALFORMED, TIMEOUT_S, assert_error


@pytest.fixture(scope="module")
def sale(admin):
    return put_on_sale(admin)


@pytest.fixture
def buyer(base_url, sandbox_url, admin):
    return new_buyer(base_url, sandbox_url, put_on_sale(admin))


@pytest.fixture(scope="module")
def buyer_for_bad_input(base_url, sandbox_url, sale):
    return new_buyer(base_url, sandbox_url, sale)


@pytest.fixture
def held(buyer):
    return made(buyer.hold(*buyer.sale.seats[:2]))


@pytest.fixture
def order(buyer, held):
    return made(buyer.order(held), 200)


@pytest.fixture
def faults(sandbox_url):
    def put(**fault):
        answer = requests.post(f"{sandbox_url}/sandbox/faults", json={"target": "portone"} | fault, timeout=TIMEOUT_S)
        assert answer.ok, answer.text
    yield put
    requests.delete(f"{sandbox_url}/sandbox/faults", timeout=TIMEOUT_S)


def test_manual_capture_gives_a_ticket_for_one_charge(buyer, held, order, sandbox_url):
    assert order["amount"] == 2 * PRICE and re.fullmatch(r"[A-Za-z0-9]{32}", order["paymentKey"])
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    confirmed = made(buyer.confirm(held, order, paid), 200)
    assert confirmed["paymentId"] == order["paymentId"] and confirmed["status"] == "SUCCESS"
    ticket = buyer.wait_until(held, "CONFIRMED")
    assert re.fullmatch(r"T\d{8}-[2-9A-HJKMNP-Z]{7}", ticket["ticketNumber"])
    assert ticket["qrData"].startswith(ticket["ticketNumber"] + ".") and ticket["paymentId"] == order["paymentId"]
    assert made(buyer.confirm(held, order, paid), 200) == confirmed
    assert len(ledger_of(sandbox_url, order)["charges"]) == 1
    seats = buyer.sale.seats[:2]
    wait_for("both seats SOLD", lambda: {buyer.sale.seat_states()[seat] for seat in seats} == {"SOLD"})
    payment = buyer.payment(order)
    assert payment["status"] == "SUCCESS" and payment["amount"] == 2 * PRICE and payment["paidAt"]
    assert buyer.call("GET", "/payments").json()["totalElements"] == 1


def test_payment_charged_in_the_browser_is_compared(buyer, held, order):
    paid = buyer.pay_at_portone(order, "PAID", webhook=False)
    assert made(buyer.confirm(held, order, paid), 200)["status"] == "SUCCESS"
    buyer.wait_until(held, "CONFIRMED")


def test_webhook_alone_gives_the_ticket(buyer, held, order, sandbox_url):
    """The browser vanished after paying."""
    buyer.pay_at_portone(order, "PAID")
    buyer.wait_until(held, "CONFIRMED")
    again = requests.post(f"{sandbox_url}/sandbox/payments/{order['paymentKey']}/webhook", json={"times": 3},
                          timeout=TIMEOUT_S)
    assert again.ok
    assert len(ledger_of(sandbox_url, order)["charges"]) == 1


def test_forged_webhook_changes_nothing(buyer, base_url, order):
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1714039200", "webhook-signature": "v1,AAAA"}
    body = {"type": "Transaction.Paid", "timestamp": "2026-01-01T00:00:00Z",
            "data": {"paymentId": order["paymentKey"], "storeId": "store-sandbox", "transactionId": "x"}}
    answer = requests.post(f"{base_url}/payments/webhook", json=body, headers=headers, timeout=TIMEOUT_S)
    assert_error(answer, 401, "WEBHOOK_SIGNATURE_INVALID")
    assert buyer.payment(order)["status"] == "PENDING"


def test_declined_card_frees_the_seats(buyer, held, order):
    paid = buyer.pay_at_portone(order, "FAILED", webhook=False)
    answer = buyer.confirm(held, order, paid, paymentToken="no-such-token")
    assert answer.status_code == 422, answer.text
    buyer.wait_until(held, "CANCELLED")
    assert buyer.payment(order)["status"] == "FAILED"
    assert_error(buyer.confirm(held, order, paid), 409, "PAYMENT_ALREADY_PROCESSED")
    wait_for("free seats", lambda: buyer.hold(*buyer.sale.seats[:2]).status_code == 201)


def test_portone_lets_nobody_pay_another_amount_than_was_registered(order, sandbox_url):
    answer = requests.post(f"{sandbox_url}/sandbox/payments/{order['paymentKey']}/pay", timeout=TIMEOUT_S,
                           json={"outcome": "PAID", "amount": 100})
    assert not answer.ok and answer.json()["code"] == "AmountNotEqualToPredefined"


def test_order_refusals(buyer, held):
    wrong = held | {"totalAmount": 1000}
    assert_error(buyer.order(wrong), 400, "AMOUNT_MISMATCH")
    assert_error(buyer.order(held | {"reservationId": str(uuid.uuid4())}), 404, "NOT_FOUND")
    assert_error(buyer.order(held, **{"X-Queue-Token": f"qr_{uuid.uuid4()}"}), 401, "QUEUE_TOKEN_INVALID")


def test_order_repeated_answers_the_same(buyer, held):
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    first = made(buyer.order(held, **key), 200)
    assert made(buyer.order(held, **key), 200) == first
    assert made(buyer.order(held), 200) == first
    assert_error(buyer.order(held | {"totalAmount": 1000}, **key), 422, "IDEMPOTENCY_KEY_REUSED")


def test_confirm_refusals(buyer, held, order):
    paid = {"transactionId": "tx"}
    assert_error(buyer.confirm(held, order, paid, amount=1000), 400, "AMOUNT_MISMATCH")
    assert_error(buyer.confirm(held, order, paid, paymentId=str(uuid.uuid4())), 404, "NOT_FOUND")
    assert_error(buyer.confirm(held, order, paid, paymentKey="another"), 400, "INVALID_REQUEST")
    assert buyer.payment(order)["status"] == "PENDING"


def test_confirm_by_many_at_once_charges_once(buyer, held, order, sandbox_url):
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: buyer.confirm(held, order, paid), range(5)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    buyer.wait_until(held, "CONFIRMED")
    assert len(ledger_of(sandbox_url, order)["charges"]) == 1


def test_charged_but_the_answer_was_lost_is_one_charge_and_a_ticket(buyer, held, order, faults, sandbox_url):
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    faults(operation="confirm", loseAnswer=True, times=1)
    assert buyer.confirm(held, order, paid).status_code in (200, 202)
    buyer.wait_until(held, "CONFIRMED")
    assert len(ledger_of(sandbox_url, order)["charges"]) == 1


@pytest.mark.parametrize("path", ["/payments", "/payments/confirm"])
@pytest.mark.parametrize("name,body,content_type,status", MALFORMED, ids=[row[0] for row in MALFORMED])
def test_malformed_bodies_are_refused(buyer_for_bad_input, path, name, body, content_type, status):
    answer = buyer_for_bad_input.call("POST", path, data=body, headers={"Content-Type": content_type})
    assert answer.status_code == status and answer.json()["code"]
