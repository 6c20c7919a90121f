"""Seats of the event service beside the claims of the reservation service (EVT-023), found and repaired by boxoffice-maint."""
import concurrent.futures
import re
import threading
import uuid

import pytest
import requests

from box_office import made, new_buyer, wait_for
from people import TIMEOUT_S

EVERY_S = 600
BUYERS = 3


@pytest.fixture
def look(stack, sale, query):
    """A run of the job when the time for the next look at the sale has come."""
    def run() -> None:
        for table, column in (("seat_looks", "began_at"), ("seat_doubts", "seen_at")):
            query(f"UPDATE event_service.{table} SET {column} = {column} - interval '{EVERY_S} s' "
                  f"WHERE schedule_id = '{sale.schedule_id}'")
        done = stack.run("exec", "boxoffice-maint", "reconcile")
        assert done.returncode == 0, done.stderr
    return run


def repaired(internal_url: str) -> dict[str, int]:
    text = requests.get(f"{internal_url}/metrics", timeout=TIMEOUT_S).text
    found = re.findall(r'^boxoffice_reconciled_seats_total{[^}]*result="(\w+)"[^}]*} (\d+)$', text, re.M)
    return {"sold": 0, "freed": 0, "moved": 0} | {result: int(count) for result, count in found}


def buy(buyer, *seats: str) -> dict:
    held = made(buyer.hold(*seats))
    order = made(buyer.order(held), 200)
    made(buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")), 200)
    return buyer.wait_until(held, "CONFIRMED")


def wait_for_seats(sale, *sold: str) -> None:
    wait_for("the seats as they were bought",
             lambda: {seat for seat, state in sale.seat_states().items() if state == "SOLD"} == set(sold))


def test_seats_that_differ_are_found_and_repaired_both_ways(sale, buyer, look, query, internal_url):
    bought, never = sale.seats[0], sale.seats[5]
    buy(buyer, bought)
    wait_for_seats(sale, bought)
    before = repaired(internal_url)
    query("UPDATE event_service.seats SET status = 'AVAILABLE', sold_by = NULL, sold_at = NULL "
          f"WHERE id = '{bought}'")
    query(f"UPDATE event_service.seats SET status = 'SOLD', sold_by = '{uuid.uuid4()}', sold_at = clock_timestamp() "
          f"WHERE id = '{never}'")

    def as_bought():
        look()
        return query("SELECT id FROM event_service.seats "
                     f"WHERE schedule_id = '{sale.schedule_id}' AND status = 'SOLD'") == [[bought]]
    wait_for("the second look", as_bought)
    wait_for_seats(sale, bought)
    after = repaired(internal_url)
    assert after["sold"] > before["sold"] and after["freed"] > before["freed"]
    assert query("SELECT seats_sold FROM event_service.event_schedules "
                 f"WHERE id = '{sale.schedule_id}'") == [["1"]]


def test_running_sale_is_left_as_it_is(sale, look, base_url, sandbox_url, query, internal_url):
    """However often it is looked at while people buy, and however soon the second look comes."""
    buyers = [new_buyer(base_url, sandbox_url, sale) for _ in range(BUYERS)]
    before = repaired(internal_url)
    ended = threading.Event()
    runs = []

    def look_all_the_time():
        while not ended.is_set():
            look()
            runs.append("done")

    with concurrent.futures.ThreadPoolExecutor(1 + BUYERS) as pool:
        looking = pool.submit(look_all_the_time)
        try:
            list(pool.map(lambda i: buy(buyers[i], *sale.seats[2 * i:2 * i + 2]), range(BUYERS)))
            wait_for_seats(sale, *sale.seats[:2 * BUYERS])
            looked = len(runs)
            wait_for("looks at the whole of it", lambda: len(runs) >= looked + 2)
        finally:
            ended.set()
        looking.result()
    wait_for_seats(sale, *sale.seats[:2 * BUYERS])
    after = repaired(internal_url)
    assert (after["freed"], after["moved"]) == (before["freed"], before["moved"])
    assert query("SELECT count(*) FROM event_service.seat_doubts AS d JOIN event_service.seats AS s ON s.id = d.seat_id "
                 f"WHERE d.schedule_id = '{sale.schedule_id}' AND s.sold_by IS DISTINCT FROM d.owner") == [["0"]]
