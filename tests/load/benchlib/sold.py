"""How long a seat that is sold is shown as AVAILABLE to whoever looks all the time."""
import base64
import concurrent.futures
import http.client
import json
import statistics
import time
import urllib.parse
import uuid

import crowd
from benchlib import tools
from storelib import query

SALES_A_ROUND = 4
LOOKS_EVERY_S = 0.01
LOST_S = 30
# What the gateway keeps for a second it gives for two at most (CATALOGUE_PASSING_MS of src/event/catalogue_cache.h); the
# third is for the event and a map of 50,000 seats.
MOST_MS = 3000
# The reservation service's event, as it would write it; the answer is when. On a stack that is thrown away afterwards.
CONFIRM = """
INSERT INTO common.outbox_events (id, aggregate_type, aggregate_id, topic, partition_key, event_type, envelope)
SELECT '{event}', 'Reservation', '{reservation}', 'reservation.events', '{reservation}', 'ReservationConfirmed',
    jsonb_build_object(
        'eventId', '{event}', 'eventType', 'ReservationConfirmed', 'aggregateType', 'Reservation',
        'aggregateId', '{reservation}', 'version', 'v1', 'timestamp', '2026-01-01T00:00:00Z',
        'metadata', jsonb_build_object('correlationId', '{trace}'),
        'payload', jsonb_build_object(
            'reservationId', '{reservation}', 'scheduleId', '{schedule}', 'seatIds', jsonb_build_array('{seat}'),
            'ticketNumber', 'T-0', 'confirmedAt', clock_timestamp()))
RETURNING extract(EPOCH FROM clock_timestamp())
"""


def shown_in_live(body: bytes, seat: int, _: str) -> bool:
    sold = base64.b64decode(json.loads(body)["sold"])
    return bool(sold[seat // 8] >> seat % 8 & 1)


def shown_in_seats(body: bytes, _: int, seat_id: str) -> bool:
    seats = (seat for grade in json.loads(body)["grades"] for seat in grade["seats"])
    return next(seat["status"] for seat in seats if seat["id"] == seat_id) == "SOLD"


ANSWERS = {"live": shown_in_live, "seats": shown_in_seats}


def watch(base_url: str, path: str, is_shown) -> float:
    """Asks as pages do, for what has changed, until it is there; says when that answer came (Unix seconds)."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(base_url).netloc, timeout=LOST_S)
    etag, end = "", time.time() + LOST_S
    while time.time() < end:
        connection.request("GET", path, headers={"If-None-Match": etag} if etag else {})
        answer = connection.getresponse()
        body, at = answer.read(), time.time()
        if answer.status == 200:
            etag = answer.headers["ETag"]
            if is_shown(body):
                return at
        time.sleep(LOOKS_EVERY_S)
    raise AssertionError(f"{path} has not told of a sale for {LOST_S} s")


def confirm(schedule: str, seat: str) -> float:
    ids = {"event": uuid.uuid4(), "reservation": uuid.uuid4(), "trace": uuid.uuid4().hex}
    return float(query(CONFIRM.format(schedule=schedule, seat=seat, **ids))[0][0])


def p95(found: list[float]) -> float:
    return statistics.quantiles(found, n=20, method="inclusive")[-1]


def sold_shown(bench) -> dict:
    """From the confirmation's commit to the first public answer of either kind that says SOLD."""
    sale = crowd.Crowd(bench.stack)
    times = {name: [] for name in ANSWERS}
    for number in range(bench.rounds * SALES_A_ROUND):
        seat_id = sale.seats[number]
        with concurrent.futures.ThreadPoolExecutor(len(ANSWERS)) as pool:
            watching = {name: pool.submit(watch, bench.stack.gateway_url, f"/events/schedules/{sale.schedule}/{name}",
                                          lambda body, shown=shown: shown(body, number, seat_id))
                        for name, shown in ANSWERS.items()}
            confirmed = confirm(sale.schedule, seat_id)
            for name, future in watching.items():
                times[name].append((future.result() - confirmed) * 1000)
    most = max(map(p95, times.values()))
    told = "; ".join(f"{name} P50 {statistics.median(found):.0f}, P95 {p95(found):.0f}, max {max(found):.0f}"
                     for name, found in times.items())
    return tools.row(f"{most:.0f}", f"ms to SOLD: {told}", f"<= {MOST_MS:,}", most <= MOST_MS, times=times)
