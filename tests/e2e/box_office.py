"""A sale and its buyers for end-to-end tests: an admin puts an event on sale, buyers are admitted, hold and pay."""
import dataclasses
import datetime
import pathlib
import re
import subprocess
import time
import uuid

import requests

from people import TIMEOUT_S, Person, access_token

ROOT = pathlib.Path(__file__).parents[2]
PRICE = 150000
PATIENCE_S = 30


def times_served(internal_url: str, route: str) -> int:
    """How often the services, not a copy of the gateway, have answered GET on a route."""
    text = requests.get(f"{internal_url}/metrics", timeout=TIMEOUT_S).text
    counts = re.findall(rf'^boxoffice_requests_total{{[^}}]*route="GET {re.escape(route)}"[^}}]*}} (\d+)$', text, re.M)
    return sum(int(count) for count in counts)


def wait_for(what: str, ask, patience_s: float = PATIENCE_S):
    """Asks until the answer is not None or False."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {patience_s} s in vain for {what}")


def moment(**offset) -> str:
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return (now + datetime.timedelta(**offset)).isoformat()


@dataclasses.dataclass
class Sale:
    """One performance on sale with ten seats of one price."""

    event_id: str
    schedule_id: str
    seats: list[str]
    base_url: str

    def seat_states(self) -> dict[str, str]:
        answer = requests.get(f"{self.base_url}/events/schedules/{self.schedule_id}/seats", timeout=TIMEOUT_S)
        return {seat["id"]: seat["status"] for grade in answer.json()["grades"] for seat in grade["seats"]}


def lasting(hold: dict) -> dict:
    """Without what is counted anew for each answer."""
    return {name: value for name, value in hold.items() if name != "holdExpiresIn"}


def made(answer: requests.Response, status: int = 201) -> dict:
    assert answer.status_code == status, answer.text
    return answer.json()


def put_on_sale(admin: Person, price: int = PRICE, rows: tuple = ("A",), per_row: int = 10, **schedule_changes) -> Sale:
    venue = made(admin.call("POST", "/venues", json={"name": "Arena", "address": "1 Stage Road", "city": "서울"}))
    template = {"rows": rows, "seatsPerRow": per_row, "gradeMapping": dict.fromkeys(rows, "VIP")}
    hall = made(admin.call("POST", f"/venues/{venue['id']}/halls",
                           json={"name": "Hall", "capacity": len(rows) * per_row, "seatTemplate": template}))
    schedule = {"playSequence": 1, "eventStartAt": moment(days=30), "eventEndAt": moment(days=30, hours=2),
                "saleStartAt": moment(minutes=-1), "saleEndAt": moment(days=29)} | schedule_changes
    event = made(admin.call("POST", "/events", json={
        "title": f"Concert {uuid.uuid4()}", "artist": "Artist", "description": "", "venueId": venue["id"],
        "hallId": hall["id"], "gradePrices": {"VIP": price}, "schedules": [schedule]}))
    event = made(admin.call("POST", f"/events/{event['id']}/publish"), 200)
    sale = Sale(event["id"], event["schedules"][0]["id"], [], admin.base_url)
    sale.seats = list(sale.seat_states())
    return sale


class Buyer(Person):
    """Somebody who has been admitted to a sale."""

    def admit(self, sale: Sale) -> None:
        self.sale = sale
        entered = made(self.call("POST", "/queue/enter", json={"scheduleId": sale.schedule_id}), 200)
        token = entered["token"] or wait_for("admission", lambda: self.call(
            "GET", f"/queue/status?scheduleId={sale.schedule_id}").json().get("token"))
        self.session.headers["X-Queue-Token"] = token

    def hold(self, *seats: str, **headers) -> requests.Response:
        return self.call("POST", "/reservations/hold", headers=headers,
                         json={"scheduleId": self.sale.schedule_id, "seatIds": list(seats)})

    def order(self, reservation: dict, **headers) -> requests.Response:
        return self.call("POST", "/payments", headers=headers,
                         json={"reservationId": reservation["reservationId"], "amount": reservation["totalAmount"],
                               "paymentMethod": "CARD"})

    def pay_at_portone(self, order: dict, outcome: str, **more) -> dict:
        """What the browser SDK does."""
        answer = requests.post(f"{self.sandbox_url}/sandbox/payments/{order['paymentKey']}/pay", timeout=TIMEOUT_S,
                               json={"outcome": outcome, "amount": order["amount"]} | more)
        assert answer.ok, answer.text
        return answer.json()

    def confirm(self, reservation: dict, order: dict, paid: dict, **changes) -> requests.Response:
        body = {"reservationId": reservation["reservationId"], "paymentId": order["paymentId"],
                "paymentKey": order["paymentKey"], "transactionId": paid["transactionId"], "amount": order["amount"]}
        if "paymentToken" in paid:
            body["paymentToken"] = paid["paymentToken"]
        return self.call("POST", "/payments/confirm", json=body | changes)

    def reservation(self, reservation: dict) -> dict:
        return made(self.call("GET", f"/reservations/{reservation['reservationId']}"), 200)

    def payment(self, order: dict) -> dict:
        return made(self.call("GET", f"/payments/{order['paymentId']}"), 200)

    def wait_until(self, reservation: dict, status: str) -> dict:
        def ask():
            now = self.reservation(reservation)
            return now if now["status"] == status else None
        return wait_for(f"reservation {status}", ask)


class Visitor(Buyer):
    """Somebody in front of a sale who never signed up; only the user service could tell."""

    def __init__(self, stack, sale: Sale, user_id: str | None = None, role: str = "USER"):
        super().__init__(stack.gateway_url, stack.sandbox_url)
        self.sale = sale
        self.user_id = user_id or str(uuid.uuid4())
        self.session.headers["Authorization"] = f"Bearer {access_token(stack, self.user_id, role)}"

    def enter(self, **more) -> requests.Response:
        return self.call("POST", "/queue/enter", json={"scheduleId": self.sale.schedule_id} | more)

    def status(self, **headers) -> requests.Response:
        return self.call("GET", f"/queue/status?scheduleId={self.sale.schedule_id}", headers=headers)

    def leave(self) -> requests.Response:
        return self.call("DELETE", f"/queue/leave?scheduleId={self.sale.schedule_id}")


def tune(admin: Person, sale: Sale, **changes) -> dict:
    return made(admin.call("PUT", f"/queue/admin/schedules/{sale.schedule_id}", json=changes), 200)


def line_of(admin: Person, sale: Sale) -> dict:
    """The sale's row of the statistics; empty while nobody is in its line."""
    lines = made(admin.call("GET", "/queue/admin/stats"), 200)["list"]
    return next((line for line in lines if line["scheduleId"] == sale.schedule_id), {})


def shared(what: str, sale: Sale) -> dict:
    """GET /queue/serving or /queue/draw, which are the same for everyone."""
    return made(requests.get(f"{sale.base_url}/queue/{what}?scheduleId={sale.schedule_id}", timeout=TIMEOUT_S), 200)


def assert_drawn(sale: Sale, commitment: str, arrivals: list[dict], drawn: list[dict], path: pathlib.Path) -> None:
    """Everybody has the place that the published program computes; the path is for a file that it reads."""
    path.write_text("".join(f"{came['arrival']} {got['sequence']}\n" for came, got in zip(arrivals, drawn)))
    url = f"{sale.base_url}/queue/draw?scheduleId={sale.schedule_id}"
    done = subprocess.run([ROOT / "scripts/verify-draw", "--draw", url, "--commitment", commitment, "--check", path],
                          text=True, capture_output=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(drawn)} of {len(drawn)} match" in done.stdout


def new_buyer(base_url: str, sandbox_url: str, sale: Sale) -> Buyer:
    buyer = Buyer(base_url, sandbox_url)
    buyer.sign_up()
    buyer.log_in()
    buyer.admit(sale)
    return buyer


def new_admin(base_url: str, sandbox_url: str, boxctl) -> Person:
    admin = Person(base_url, sandbox_url, "관리자")
    admin.sign_up()
    boxctl("admin", "grant", admin.email, "--unproved")
    admin.log_in()
    return admin


def ledger_of(sandbox_url: str, order: dict) -> dict:
    """Every charge and cancellation that "PortOne" has booked for this payment."""
    payments = requests.get(f"{sandbox_url}/sandbox/payments", timeout=TIMEOUT_S).json()["payments"]
    return next(payment for payment in payments if payment["paymentId"] == order["paymentKey"])
