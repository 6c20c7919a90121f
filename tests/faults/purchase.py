"""Buyers who do not give up: what was not answered they repeat, as a client does that has read the contract."""
import time
import uuid

import requests

from box_office import PRICE, Buyer, ledger_of, wait_for

PATIENCE_S = 60
STEPS = ("hold", "order", "authorise", "confirm")


def patiently(send, *wanted: int):
    """Repeats a request until its status is one of those wanted; only 5xx, 202, silence, and that the first is still
    running, may come before."""
    end = time.monotonic() + PATIENCE_S
    while True:
        pause_s = 0.1
        try:
            answer = send()
            if answer.status_code in wanted:
                return answer.json()
            said = f"{answer.status_code} {answer.text}"
            running = answer.status_code == 409 and answer.json()["code"] == "IDEMPOTENCY_KEY_IN_USE"
            assert answer.status_code >= 500 or answer.status_code == 202 or running, said
            if answer.status_code == 503 or running:
                pause_s = int(answer.headers["Retry-After"])
        except requests.RequestException as silence:
            said = str(silence)
        assert time.monotonic() < end, f"not answered within {PATIENCE_S} s: {said}"
        time.sleep(pause_s)


class Purchase:
    """One buyer's way to two seats."""

    def __init__(self, buyer: Buyer, seats: list[str]):
        self.buyer = buyer
        self.seats = seats
        self.key = {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        self.done = 0

    def advance(self, step: str = STEPS[-1]) -> None:
        """Goes on until this step has been acknowledged."""
        for name in STEPS[self.done:STEPS.index(step) + 1]:
            getattr(self, f"_{name}")()
            self.done += 1

    def _hold(self) -> None:
        self.held = patiently(lambda: self.buyer.hold(*self.seats, **self.key), 201)

    def _order(self) -> None:
        self.order = patiently(lambda: self.buyer.order(self.held, **self.key), 200)

    def _authorise(self) -> None:
        url = f"{self.buyer.sandbox_url}/sandbox/payments/{self.order['paymentKey']}/pay"
        self.paid = patiently(lambda: requests.post(url, json={"outcome": "AUTHORIZED"}, timeout=30), 200)

    def _confirm(self) -> None:
        self.confirmed = patiently(lambda: self.buyer.confirm(self.held, self.order, self.paid), 200)
        assert self.confirmed["status"] == "SUCCESS"

    def charged(self) -> bool:
        url = f"{self.buyer.sandbox_url}/sandbox/payments"
        payments = patiently(lambda: requests.get(url, timeout=30), 200)["payments"]
        return any(payment["charges"] for payment in payments if payment["paymentId"] == self.order["paymentKey"])

    def ticket(self) -> str:
        """Waits for the ticket; the money was taken once and the seats are sold to nobody else."""
        path = f"/reservations/{self.held['reservationId']}"

        def confirmed():
            now = patiently(lambda: self.buyer.call("GET", path), 200)
            return now if now["status"] == "CONFIRMED" else None
        reservation = wait_for(f"reservation {path} CONFIRMED", confirmed, PATIENCE_S)
        ledger = ledger_of(self.buyer.sandbox_url, self.order)
        assert [charge["amount"] for charge in ledger["charges"]] == [len(self.seats) * PRICE]
        assert ledger["cancellations"] == []
        wait_for("the seats SOLD", lambda: self._states() == {"SOLD"}, PATIENCE_S)
        return reservation["ticketNumber"]

    def _states(self) -> set[str]:
        path = f"/events/schedules/{self.buyer.sale.schedule_id}/seats"
        grades = patiently(lambda: self.buyer.call("GET", path), 200)["grades"]
        return {seat["status"] for grade in grades for seat in grade["seats"] if seat["id"] in self.seats}
