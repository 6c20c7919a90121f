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


def told(answer) -> dict[str, str]:
    return {detail["field"]: detail["reason"] for detail in answer.json()["details"]}


def test_declined_card_is_told_at_once_and_another_may_be_tried(buyer, held, order, sandbox_url):
    declined = buyer.confirm(held, order, buyer.pay_at_portone(order, "FAILED", webhook=False))
    assert_error(declined, 422, "PAYMENT_DECLINED")
    assert told(declined)["holdExpiresAt"] == held["holdExpiresAt"] and told(declined)["reason"]
    assert 0 < int(told(declined)["holdExpiresIn"]) <= held["holdExpiresIn"]
    assert buyer.payment(order)["status"] == buyer.reservation(held)["status"] == "PENDING"
    assert made(buyer.order(held), 200) == order
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    assert made(buyer.confirm(held, order, paid), 200)["status"] == "SUCCESS"
    buyer.wait_until(held, "CONFIRMED")
    assert len(ledger_of(sandbox_url, order)["charges"]) == 1


def test_declined_card_given_up_frees_the_seats_at_once(buyer, held, order):
    paid = buyer.pay_at_portone(order, "FAILED", webhook=False)
    assert_error(buyer.confirm(held, order, paid), 422, "PAYMENT_DECLINED")
    assert buyer.call("DELETE", f"/reservations/hold/{held['reservationId']}").status_code == 204
    made(buyer.hold(*buyer.sale.seats[:2]))
    wait_for("the failed payment", lambda: buyer.payment(order)["status"] == "FAILED")
    assert_error(buyer.confirm(held, order, paid), 409, "PAYMENT_ALREADY_PROCESSED")
    assert_error(buyer.order(held), 409, "HOLD_EXPIRED")


def test_older_window_or_wrong_attempt_is_no_decline(buyer, held, order):
    older = buyer.pay_at_portone(order, "AUTHORIZED")
    newer = buyer.pay_at_portone(order, "AUTHORIZED")
    assert_error(buyer.confirm(held, order, older), 400, "INVALID_REQUEST")
    assert_error(buyer.confirm(held, order, newer, transactionId=older["transactionId"]), 400, "INVALID_REQUEST")
    assert buyer.reservation(held)["status"] == "PENDING"
    assert made(buyer.confirm(held, order, newer), 200)["status"] == "SUCCESS"


def test_confirms_with_invented_ids_keep_no_seats(buyer, held, order, query):
    """Neither secured nor put off, however often; a rival gets the seats when the hold has ended."""
    before = query(f"SELECT give_up_at FROM payment_service.payments WHERE id = '{order['paymentId']}'")
    for number in range(5):
        answer = buyer.confirm(held, order, {"transactionId": f"invented-{number}"})
        assert made(answer, 202)["status"] == "PENDING"
        assert_error(buyer.confirm(held, order, {"transactionId": "x", "paymentToken": f"invented-{number}"}), 400,
                     "INVALID_REQUEST")
    assert query(f"SELECT give_up_at FROM payment_service.payments WHERE id = '{order['paymentId']}'") == before
    claims = query("SELECT count(*) FILTER (WHERE expires_at = 'infinity'), count(*) FROM reservation_service.seat_claims "
                   f"WHERE reservation_id = '{held['reservationId']}'")
    assert claims == [["0", "2"]]
    assert buyer.call("DELETE", f"/reservations/hold/{held['reservationId']}").status_code == 204


def due_now(query, order) -> None:
    """As when the pause before the next question is over."""
    query(f"UPDATE payment_service.payments SET check_at = clock_timestamp() WHERE id = '{order['paymentId']}'")


def test_paid_with_confirm_and_webhook_lost_becomes_a_ticket(buyer, held, order, query):
    buyer.pay_at_portone(order, "PAID", webhook=False)
    due_now(query, order)
    buyer.wait_until(held, "CONFIRMED")
    assert buyer.payment(order)["status"] == "SUCCESS"


def test_charge_after_failure_with_the_webhook_lost_goes_back(buyer, held, order, query, sandbox_url):
    assert buyer.call("DELETE", f"/reservations/hold/{held['reservationId']}").status_code == 204
    wait_for("the failed payment", lambda: buyer.payment(order)["status"] == "FAILED")
    buyer.pay_at_portone(order, "PAID", webhook=False)
    due_now(query, order)
    wait_for("the money back", lambda: ledger_of(sandbox_url, order)["cancellations"])


def test_charge_taken_back_at_portone_ends_the_ticket(buyer, held, order, sandbox_url):
    made(buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")), 200)
    buyer.wait_until(held, "CONFIRMED")
    seats = buyer.sale.seats[:2]
    wait_for("both seats SOLD", lambda: {buyer.sale.seat_states()[seat] for seat in seats} == {"SOLD"})
    answer = requests.post(f"{sandbox_url}/payments/{order['paymentKey']}/cancel", json={"reason": "by the card company"},
                           headers={"Authorization": "PortOne sandbox-portone-secret"}, timeout=TIMEOUT_S)
    assert answer.ok, answer.text
    buyer.wait_until(held, "CANCELLED")
    assert buyer.payment(order)["status"] == "REFUNDED" and buyer.payment(order)["refundedAt"]
    wait_for("both seats free", lambda: {buyer.sale.seat_states()[seat] for seat in seats} == {"AVAILABLE"})
    assert len(ledger_of(sandbox_url, order)["cancellations"]) == 1


def test_hold_can_be_paid_after_the_queue_token_has_gone(buyer, held):
    """In another tab the buyer has left the queue; the seats are theirs all the same."""
    assert buyer.call("DELETE", f"/queue/leave?scheduleId={buyer.sale.schedule_id}").ok
    order = made(buyer.order(held), 200)
    del buyer.session.headers["X-Queue-Token"]
    assert made(buyer.order(held), 200) == order
    made(buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")), 200)
    buyer.wait_until(held, "CONFIRMED")


def test_reservation_that_costs_nothing_is_confirmed_without_portone(base_url, sandbox_url, admin):
    buyer = new_buyer(base_url, sandbox_url, put_on_sale(admin, price=0))
    held = made(buyer.hold(*buyer.sale.seats[:2]))
    assert held["totalAmount"] == 0
    order = made(buyer.order(held), 200)
    assert buyer.wait_until(held, "CONFIRMED")["ticketNumber"]
    assert buyer.payment(order)["status"] == "SUCCESS"
    assert made(buyer.confirm(held, order, {"transactionId": "none"}), 200)["status"] == "SUCCESS"


def test_portone_lets_nobody_pay_another_amount_than_was_registered(order, sandbox_url):
    answer = requests.post(f"{sandbox_url}/sandbox/payments/{order['paymentKey']}/pay", timeout=TIMEOUT_S,
                           json={"outcome": "PAID", "amount": 100})
    assert not answer.ok and answer.json()["code"] == "AmountNotEqualToPredefined"


def test_order_refusals(buyer, held, base_url, sandbox_url):
    wrong = held | {"totalAmount": 1000}
    assert_error(buyer.order(wrong), 400, "AMOUNT_MISMATCH")
    assert_error(buyer.order(held | {"reservationId": str(uuid.uuid4())}), 404, "NOT_FOUND")
    stranger = new_buyer(base_url, sandbox_url, buyer.sale)
    token = stranger.session.headers["X-Queue-Token"]
    assert_error(buyer.order(held, **{"X-Queue-Token": token}), 401, "QUEUE_TOKEN_INVALID")


def test_order_repeated_answers_the_same(buyer, held):
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    first = made(buyer.order(held, **key), 200)
    assert made(buyer.order(held, **key), 200) == first
    assert made(buyer.order(held | {"totalAmount": float(held["totalAmount"])}, **key), 200) == first
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


# ---- called off ----


def kept_of(ledger: dict) -> int:
    """Won that were taken and not given back."""
    return sum(one["amount"] for one in ledger["charges"]) - sum(one["amount"] for one in ledger["cancellations"])


def call_off(admin, buyer) -> None:
    """Returns when every service knows."""
    made(admin.call("POST", f"/events/{buyer.sale.event_id}/cancel", json={"reason": "storm"}), 200)
    wait_for("the end of the sale", lambda: new_hold_refused(buyer))


def new_hold_refused(buyer) -> bool:
    return buyer.hold(buyer.sale.seats[3]).json().get("code") == "SALE_ENDED"


def test_nothing_is_ordered_after_the_event_was_called_off(admin, buyer, held):
    call_off(admin, buyer)
    wait_for("no order", lambda: buyer.order(held).json().get("code") == "SALE_ENDED")


def test_nothing_is_charged_when_the_event_is_called_off_between_order_and_confirm(admin, buyer, held, order, sandbox_url):
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    call_off(admin, buyer)
    assert_error(buyer.confirm(held, order, paid), 409, "SALE_ENDED")
    assert buyer.payment(order)["status"] == "FAILED"
    buyer.wait_until(held, "CANCELLED")
    assert ledger_of(sandbox_url, order)["charges"] == []


def test_money_that_is_paid_after_the_event_was_called_off_is_given_back(admin, buyer, held, order, sandbox_url):
    call_off(admin, buyer)
    buyer.pay_at_portone(order, "PAID")
    buyer.wait_until(held, "CANCELLED")
    assert buyer.payment(order)["status"] == "FAILED"
    wait_for("the money back", lambda: kept_of(ledger_of(sandbox_url, order)) == 0)


def test_ticket_of_before_the_event_was_called_off_stays(admin, buyer, held, order):
    made(buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")), 200)
    buyer.wait_until(held, "CONFIRMED")
    made(admin.call("POST", f"/events/{buyer.sale.event_id}/cancel", json={"reason": "storm"}), 200)
    assert buyer.reservation(held)["status"] == "CONFIRMED" and buyer.payment(order)["status"] == "SUCCESS"
