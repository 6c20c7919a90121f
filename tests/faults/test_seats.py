"""event-saga dies at the worst moment: a seat is what its reservation made it (EVT-008, EVT-016)."""
import contextlib
import os
import re
import signal

import requests

from box_office import wait_for
from locks import writers_wait
from people import TIMEOUT_S
from processes import kill
from stack_tools import service_pid


@contextlib.contextmanager
def standing_still(stack, service: str):
    """It hears, and does not answer."""
    pid = service_pid(stack, service)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def repeated(stack) -> int:
    """Events that event-saga was given though their effect was there."""
    text = requests.get(f"{stack.internal_url}/metrics", timeout=TIMEOUT_S).text
    counts = re.findall(r'^boxoffice_events_total{[^}]*group="event-reservation-consumer",outcome="repeated"} (\d+)$',
                        text, re.M)
    return sum(int(count) for count in counts)


def killed_before_redis_answers(stack, query, purchase) -> None:
    """event-saga commits that the seats are SOLD, and dies while it tells Redis: Kafka has not heard that it is done."""
    with writers_wait(stack, query, "event_service.seats") as waiting:
        purchase.advance()
        wait_for("event-saga in the middle of it", lambda: waiting() > 0)
        with standing_still(stack, "redis"):
            waiting.let_go()
            kill(stack, "event-saga")


def test_event_saga_killed_between_its_commit_and_its_offset_s_leaves_seats_right(stack, purchases, query):
    """Again with other seats when it was too early or too late: there is half a second to hit."""
    before = repeated(stack)
    for purchase in purchases:
        if repeated(stack) == before:
            killed_before_redis_answers(stack, query, purchase)
        purchase.advance()
        purchase.ticket()
    wait_for("a repetition", lambda: repeated(stack) > before)
    schedule = purchases[0].buyer.sale.schedule_id
    assert query(f"SELECT seats_sold FROM event_service.event_schedules WHERE id = '{schedule}'") \
        == [[str(sum(len(purchase.seats) for purchase in purchases))]]
