"""Holding seats through the gateway (RSV-001, RSV-003, RSV-005, RSV-008 to RSV-010)."""
import concurrent.futures
import json
import uuid

import pytest
import requests

from box_office import PRICE, TIMEOUT_S, lasting, made, new_buyer
from people import MALFORMED, assert_error
from stack_tools import await_, service_key


def test_hold_two_seats_is_seen_by_everyone(buyer, rival, sale):
    answer = buyer.hold(*sale.seats[:2])
    held = made(answer)
    assert held["status"] == "PENDING" and held["totalAmount"] == 2 * PRICE and held["holdExpiresAt"]
    assert {seat["seatId"] for seat in held["seats"]} == set(sale.seats[:2])
    assert answer.headers["Location"] == f"/reservations/{held['reservationId']}"
    seen = rival.call("GET", f"/reservations/seats/{sale.schedule_id}").json()
    assert seen["seats"] == {"total": 10, "available": 8, "sold": 0, "hold": 2}
    assert set(seen["hold"]) == set(sale.seats[:2]) and seen["sold"] == []
    detail = buyer.reservation(held)
    assert detail["status"] == "PENDING" and detail["ticketNumber"] is None and detail["qrData"] is None
    assert buyer.call("GET", "/reservations").json()["totalElements"] == 1
    assert_error(rival.call("GET", f"/reservations/{held['reservationId']}"), 404, "NOT_FOUND")


def test_hold_overlapping_is_all_or_nothing(buyer, rival, sale):
    made(buyer.hold(*sale.seats[1:3]))
    assert_error(rival.hold(*sale.seats[0:2]), 409, "SEAT_ALREADY_HELD")
    made(rival.hold(sale.seats[0]))


def test_hold_by_many_at_once_has_one_winner(base_url, sandbox_url, sale):
    buyers = [new_buyer(base_url, sandbox_url, sale) for _ in range(6)]
    with concurrent.futures.ThreadPoolExecutor(len(buyers)) as pool:
        answers = list(pool.map(lambda buyer: buyer.hold(*sale.seats[:4]), buyers))
    assert sorted(answer.status_code for answer in answers) == [201] + 5 * [409]


def test_hold_refusals(buyer, sale):
    assert_error(buyer.hold(*sale.seats[:5]), 409, "TOO_MANY_SEATS")
    assert_error(buyer.hold(), 400, "INVALID_REQUEST")
    assert_error(buyer.hold(sale.seats[0], sale.seats[0]), 400, "INVALID_REQUEST")
    assert_error(buyer.hold(str(uuid.uuid4())), 400, "INVALID_REQUEST")
    made(buyer.hold(sale.seats[0]))
    assert_error(buyer.hold(sale.seats[1]), 409, "HOLD_EXISTS")


def test_hold_needs_ones_own_queue_token(buyer, rival, sale):
    stolen = {"X-Queue-Token": rival.session.headers["X-Queue-Token"]}
    assert_error(buyer.hold(sale.seats[0], **stolen), 401, "QUEUE_TOKEN_INVALID")
    assert_error(buyer.hold(sale.seats[0], **{"X-Queue-Token": f"qr_{uuid.uuid4()}"}), 401, "QUEUE_TOKEN_INVALID")
    assert_error(buyer.hold(sale.seats[0], **{"X-Queue-Token": "nonsense"}), 401, "QUEUE_TOKEN_INVALID")
    assert_error(buyer.hold(sale.seats[0], Authorization=""), 401, "TOKEN_MISSING")
    assert buyer.call("GET", f"/reservations/seats/{sale.schedule_id}").json()["seats"]["hold"] == 0


def test_hold_repeated_with_its_key_answers_the_same(buyer, sale):
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    first = made(buyer.hold(sale.seats[0], **key))
    assert made(buyer.hold(sale.seats[0], **key)) == first
    assert_error(buyer.hold(sale.seats[1], **key), 422, "IDEMPOTENCY_KEY_REUSED")


def test_release_frees_the_seats(buyer, rival, sale):
    held = made(buyer.hold(*sale.seats[:2]))
    path = f"/reservations/hold/{held['reservationId']}"
    assert_error(rival.call("DELETE", path), 404, "NOT_FOUND")
    assert buyer.call("DELETE", path).status_code == 204
    assert buyer.call("DELETE", path).status_code == 204
    made(rival.hold(*sale.seats[:2]))


@pytest.mark.parametrize("name,body,content_type,status", MALFORMED, ids=[row[0] for row in MALFORMED])
def test_malformed_bodies_are_refused(buyer, name, body, content_type, status):
    answer = buyer.call("POST", "/reservations/hold", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == status and answer.json()["code"]


def test_internal_routes_do_not_exist_outside(buyer):
    assert_error(buyer.call("GET", f"/internal/reservations/{uuid.uuid4()}"), 404, "NOT_FOUND")


def test_malformed_ids_are_not_found(buyer):
    assert_error(buyer.call("GET", "/reservations/no-uuid"), 404, "NOT_FOUND")
    assert_error(buyer.call("DELETE", "/reservations/hold/no-uuid"), 404, "NOT_FOUND")
    assert_error(buyer.call("GET", f"/reservations/{uuid.uuid4()}"), 404, "NOT_FOUND")


# ---- the first answer again ----


def test_key_of_a_hold_gives_its_first_answer_whatever_became_of_it(buyer, rival, sale):
    """Released, and its seats another's; the body's spacing and order do not make another request of it."""
    key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
    first = buyer.hold(*sale.seats[:2], **key)
    held = made(first)
    assert "Idempotency-Replayed" not in first.headers
    assert buyer.call("DELETE", f"/reservations/hold/{held['reservationId']}").status_code == 204
    made(rival.hold(*sale.seats[:2]))
    body = json.dumps({"seatIds": sale.seats[:2], "scheduleId": sale.schedule_id}, indent=3)
    again = buyer.call("POST", "/reservations/hold", data=body, headers=key | {"Content-Type": "application/json"})
    assert lasting(made(again)) == lasting(held) and again.headers["Idempotency-Replayed"] == "true"
    assert_error(buyer.hold(*sale.seats[:2]), 409, "SEAT_ALREADY_HELD")
    assert_error(buyer.hold(sale.seats[3], **key), 422, "IDEMPOTENCY_KEY_REUSED")


def test_keys_give_their_first_answers_after_the_ticket(buyer, sale):
    keys = [{"Idempotency-Key": f'"{uuid.uuid4()}"'} for _ in range(2)]
    held = made(buyer.hold(*sale.seats[:2], **keys[0]))
    order = made(buyer.order(held, **keys[1]), 200)
    made(buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")), 200)
    buyer.wait_until(held, "CONFIRMED")
    assert lasting(made(buyer.hold(*sale.seats[:2], **keys[0]))) == lasting(held)
    again = buyer.order(held, **keys[1])
    assert made(again, 200) == order and again.headers["Idempotency-Replayed"] == "true"


# ---- seats that payment has secured (PAY-005) ----


def secure(stack, held: dict, payment_id: str) -> None:
    key = service_key(stack, "payment")
    made(requests.post(f"{stack.internal_url}/internal/reservations/{held['reservationId']}/secure", timeout=TIMEOUT_S,
                       headers={"X-Service-Api-Key": key}, json={"paymentId": payment_id, "amount": held["totalAmount"]}), 200)


def asked_about(query, held: dict) -> str:
    """Lets the time come when it is asked about these seats; whom they are secured for afterwards."""
    of = f"FROM reservation_service.reservations WHERE id = '{held['reservationId']}'"
    query(f"UPDATE reservation_service.reservations SET secured_check_at = clock_timestamp() WHERE id = '{held['reservationId']}'")
    await_(lambda: query(f"SELECT secured_check_at > clock_timestamp() OR secured_by IS NULL {of}") == [["t"]])
    return query(f"SELECT secured_by {of}")[0][0]


def test_seats_secured_for_an_invented_payment_are_let_go(stack, query, buyer, sale):
    held = made(buyer.hold(*sale.seats[:2]))
    secure(stack, held, str(uuid.uuid4()))
    await_(lambda: asked_about(query, held) == "")


def test_seats_secured_for_the_order_stay(stack, query, buyer, sale):
    held = made(buyer.hold(*sale.seats[:2]))
    order = made(buyer.order(held), 200)
    secure(stack, held, order["paymentId"])
    # Whoever asks the second time has done what came of the first.
    assert [asked_about(query, held) for _ in range(2)] == 2 * [order["paymentId"]]
    log = (stack.log / "reservation-saga" / "current").read_text()
    assert f"reservation '{held['reservationId']}' was secured" not in log
    answer = requests.get(f"{stack.internal_url}/internal/payments?reservationId={held['reservationId']}", timeout=TIMEOUT_S,
                          headers={"X-Service-Api-Key": service_key(stack, "reservation")})
    assert answer.json() == {"reservationId": held["reservationId"], "paymentId": order["paymentId"]}
