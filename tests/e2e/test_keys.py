"""Keys are replaced while people use what the old ones have made: nobody is refused, and nothing has to be repeated."""
import base64
import json
import threading

import pytest
import requests

from box_office import Buyer, Visitor, made, new_buyer, put_on_sale, shared
from people import TIMEOUT_S, Person
from stack_tools import await_, service_key

KEYS_KEPT = 5  # of a ring that may have eight: so these tests can be repeated on one stack


def listed(boxctl, kind: str) -> list[list[str]]:
    """Kind, id, algorithm, since when, state."""
    return [[word.strip() for word in line.split("  ") if word.strip()] for line in boxctl("keys", "list", kind).splitlines()[1:]]


def in_use(boxctl, kind: str) -> str:
    return next(row[1] for row in listed(boxctl, kind) if row[4] == "in use")


def rotate(boxctl, kind: str, *words: str) -> str:
    """The new key's id; it is in use in three seconds."""
    rows = listed(boxctl, kind)
    if len(rows) > KEYS_KEPT:
        boxctl("keys", "retire", kind, rows[-1][1], "--force")
    boxctl("keys", "rotate", kind, *words, "--after", "3")
    return listed(boxctl, kind)[0][1]


def rotate_and_await(boxctl, kind: str, *words: str) -> str:
    new = rotate(boxctl, kind, *words)
    await_(lambda: in_use(boxctl, kind) == new)
    return new


def header_of(token: str) -> dict:
    part = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture
def person(base_url, sandbox_url):
    person = Person(base_url, sandbox_url)
    person.sign_up()
    return person


class Everybody:
    """Asks with every token it was given, over and over, of every service that checks tokens."""

    PATHS = ("/users/me", "/reservations", "/queue/status?scheduleId={sale}", "/payments/00000000-0000-4000-8000-000000000000")
    FINE = {200, 404, 429}  # 429: too often, which is told whoever asks

    def __init__(self, base_url: str, sale):
        self.urls = [base_url + path.format(sale=sale.schedule_id) for path in self.PATHS]
        self.tokens, self.refused, self.asked = [], [], {}
        self.ended = threading.Event()

    def _ask(self, url: str) -> None:
        session = requests.Session()
        while not self.ended.is_set():
            for token in list(self.tokens):
                answer = session.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=TIMEOUT_S)
                self.asked[url, token] = self.asked.get((url, token), 0) + 1
                if answer.status_code not in self.FINE:
                    self.refused.append(f"{url}: {answer.status_code} {answer.text}")

    def asks(self, times: int) -> None:
        """Waits until each token was used so often everywhere from now on."""
        before = dict(self.asked)
        await_(lambda: self.refused or all(self.asked.get((url, token), 0) >= before.get((url, token), 0) + times
                                           for url in self.urls for token in self.tokens), 60)

    def __enter__(self):
        self.threads = [threading.Thread(target=self._ask, args=(url,)) for url in self.urls]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def refresh_until(person: Person, tokens: dict, kid: str) -> dict:
    """Each refresh is answered, whichever key has signed what it shows."""
    def fresh():
        answer = person.call("POST", "/auth/refresh", json={"refreshToken": tokens["refreshToken"]})
        tokens.update(made(answer, 200))
        return header_of(tokens["accessToken"])["kid"] == kid
    # Not oftener than a session may.
    pause = threading.Event()
    for _ in range(12):
        if fresh():
            return dict(tokens)
        pause.wait(0.5)
    raise AssertionError(f"no token of key {kid} within a quarter's refreshes")


def test_nobody_is_refused_while_token_keys_rotate(stack, base_url, boxctl, person, sale):
    tokens = person.log_in()
    with Everybody(base_url, sale) as everybody:
        everybody.tokens.append(tokens["accessToken"])
        everybody.asks(3)
        public = rotate(boxctl, "jwt", "--algorithm", "ES256")
        tokens = refresh_until(person, tokens, public)
        assert header_of(tokens["accessToken"]) == {"alg": "ES256", "typ": "JWT", "kid": public}
        assert header_of(tokens["refreshToken"])["alg"] == "HS256"
        everybody.tokens.append(tokens["accessToken"])
        everybody.asks(3)
        shared_secret = rotate(boxctl, "jwt", "--algorithm", "HS256")
        tokens = refresh_until(person, tokens, shared_secret)
        everybody.tokens.append(tokens["accessToken"])
        everybody.asks(3)
    assert everybody.refused == []
    keys = made(requests.get(f"{base_url}/.well-known/jwks.json", timeout=TIMEOUT_S), 200)["keys"]
    assert public in {key["kid"] for key in keys} and shared_secret not in {key["kid"] for key in keys}
    assert all(set(key) == {"kty", "crv", "kid", "alg", "use", "x", "y"} for key in keys)


def test_token_of_a_key_that_was_dropped_opens_nothing(base_url, boxctl, person):
    stolen = [person.log_in() for _ in range(4)]
    old = header_of(stolen[0]["accessToken"])["kid"]
    rotate_and_await(boxctl, "jwt")
    made(person.call("GET", "/users/me"), 200)
    boxctl("keys", "retire", "jwt", old, "--force")

    def refused(method: str, path: str, **more) -> bool:
        answer = person.call(method, path, **more)
        return answer.status_code == 401 and answer.json()["code"] == "TOKEN_INVALID"

    # Every process looks at its file with the first request that comes a second later.
    for path in ("/users/me", "/reservations"):
        await_(lambda: all(refused("GET", path) for _ in range(12)))
    await_(lambda: refused("POST", "/auth/refresh", json={"refreshToken": stolen.pop()["refreshToken"]}))
    person.log_in()
    made(person.call("GET", "/users/me"), 200)


def buy(buyer: Buyer, *seats: str) -> dict:
    held = made(buyer.hold(*seats))
    order = made(buyer.order(held), 200)
    made(buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")), 200)
    return buyer.wait_until(held, "CONFIRMED")


def test_ticket_of_before_is_genuine_after(stack, boxctl, buyer, sale):
    bought = buy(buyer, sale.seats[0])
    new = rotate_and_await(boxctl, "ticket")
    again = await_(lambda: (now := buyer.reservation(bought))["qrData"] != bought["qrData"] and now)
    assert again["qrData"].startswith(f"{bought['ticketNumber']}.{new}.")
    for code in (bought["qrData"], again["qrData"]):
        assert boxctl("ticket", "verify", code).strip() == bought["ticketNumber"]
    forged = stack.run("exec", "boxctl", "ticket", "verify", bought["qrData"][:-2] + "AA")
    assert forged.returncode == 1 and not forged.stdout


def test_services_go_on_calling_each_other_while_their_keys_rotate(stack, boxctl, internal_url, base_url, sandbox_url, sale):
    callers = ("event", "queue", "reservation", "payment", "user")
    before = {name: service_key(stack, name) for name in callers}
    buyers = [new_buyer(base_url, sandbox_url, sale) for _ in range(2)]
    for name in callers:
        rotate(boxctl, f"service-{name}")
    buy(buyers[0], sale.seats[0])
    for name in callers:
        await_(lambda: len([row for row in listed(boxctl, f"service-{name}") if row[4] == "waits for its time"]) == 0)
        for row in listed(boxctl, f"service-{name}"):
            if row[4] == "checks only":
                boxctl("keys", "retire", f"service-{name}", row[1], "--force")

    def refused() -> bool:
        return requests.get(f"{internal_url}/internal/schedules/{sale.schedule_id}", timeout=TIMEOUT_S,
                            headers={"X-Service-Api-Key": before["queue"]}).status_code == 401

    await_(refused)
    buy(buyers[1], sale.seats[1])
    boxctl("doctor")


def test_sale_keeps_its_draw_while_the_queue_key_rotates(stack, boxctl, admin):
    sale = put_on_sale(admin)
    visitor = Visitor(stack, sale)
    receipt = made(visitor.enter(), 200)["receipt"]
    before = shared("draw", sale)
    rotate_and_await(boxctl, "queue")
    assert shared("draw", sale) == before
    assert made(visitor.enter(receipt=receipt), 200)["receipt"] == receipt
    later = put_on_sale(admin)
    assert made(Visitor(stack, later).enter(), 200)["receipt"]


def test_personal_data_is_sealed_anew_while_its_owners_use_it(boxctl, base_url, sandbox_url, query, person):
    person.log_in()
    profile = made(person.call("GET", "/users/me"), 200)
    new = int(rotate_and_await(boxctl, "pii"))
    newcomer = Person(base_url, sandbox_url)
    newcomer.sign_up()
    newcomer.log_in()
    assert "0 left" in boxctl("keys", "reseal")
    keys = query("SELECT DISTINCT get_byte(sealed, 0) FROM user_service.users, unnest(ARRAY[email, name, phone, ci, di]) AS "
                 "sealed WHERE sealed IS NOT NULL")
    assert keys == [[str(new)]]
    assert made(person.call("GET", "/users/me"), 200) == profile
    assert made(newcomer.call("GET", "/users/me"), 200)["email"] == newcomer.email
    assert "0 of 0" in boxctl("keys", "reseal")
