"""Rows of what a crowd reads of the catalogue: kept by the gateway for a second, given by a responder from Redis, or made."""
import datetime
import itertools
import json
import random
import statistics
import time
from urllib import parse

import crowd
import stage
import storelib
from benchlib import tools
from benchlib.routes import BUILD, against_static
from benchlib.tools import Hello, ratio, wrk

READERS = 1000
MAPS_PER_S = 100
GENERATED_MS = 2000
SORTS = ("startDate", "-startDate", "title", "newest")
LISTS_PER_S, DETAILS_PER_S, SEARCHES_PER_S = 10, 100, 50
KEPT_UP = 0.9
LIVE_FRESH_S = 10  # BOX_CATALOGUE_SEATS_S
REBUILDS_S = 35
FOR_ALL, FOR_ONE = 0.7, 0.6


def paths(bench) -> dict[str, str]:
    sale = stage.publish_sale(bench.stack.gateway_url, bench.signer.admin_token(), -60, 1, 1000)
    return {"list": "/events", "detail": f"/events/{sale.event_id}"}


def vs_static(name: str):
    """The copy that the gateway gives to all, against a file of the same bytes with the same headers."""
    def row(bench) -> dict:
        ours, static = against_static(bench, bench.stack.gateway_url + paths(bench)[name], name)
        return ratio(ours, static, "requests/s", FOR_ALL)
    return row


def vs_hello(name: str):
    """Who shows a token is answered by the responder, from Redis. The hello gets the same requests."""
    def row(bench) -> dict:
        tokens = BUILD / "bench-tokens"
        bench.write_new_tokens(tokens, READERS)
        url = bench.stack.gateway_url + paths(bench)[name]
        hello, ours = [], []
        with Hello(bench.stack) as simple:
            for _ in range(bench.rounds):
                hello.append(wrk("hello", simple.url, bench.seconds, "status.lua", tokens)["per_second"])
                ours.append(wrk(name, url, bench.seconds, "status.lua", tokens)["per_second"])
        return ratio(ours, hello, "requests/s", FOR_ONE)
    return row


def paced(bench, name: str, asked: list[str], per_s: int, most_ms: float) -> dict:
    """P95 of GETs of these paths in turn, in an open loop, by people who show a token: no copy of the gateway's answers."""
    tokens, gets = BUILD / "bench-tokens", BUILD / "bench-gets"
    bench.write_new_tokens(tokens, max(len(asked), READERS))
    lines = zip(tokens.read_text().split(), itertools.cycle(asked))
    gets.write_text("".join(f"{token} {path}\n" for token, path in lines))
    run = wrk(name, bench.stack.gateway_url, bench.seconds, "paced.lua", gets, per_s, "gets", connections=64)
    p50, p95 = run["p50_us"] / 1000, run["p95_us"] / 1000
    kept_up = run["per_second"] > KEPT_UP * per_s  # who falls behind has not answered the slowest
    return tools.row(f"{p95:.1f}", f"P50 {p50:.1f}, P95 {p95:.1f} ms, {run['per_second']:,.0f} of {per_s}/s",
                     f"<= {most_ms}", kept_up and p95 <= most_ms, run=run)


def map_p95(name: str, most_ms: float, per_s: int = MAPS_PER_S):
    """Of a hall of 50,000 seats, from a responder with a warm Redis."""
    def row(bench) -> dict:
        path = f"/events/schedules/{crowd.Crowd(bench.stack).schedule}/{name}"
        stage.call(bench.stack.gateway_url + path)
        return paced(bench, name, [path], per_s, most_ms)
    return row


def seats_generated(bench) -> dict:
    """A draft of one performance in the arena of the manual, from the request to its answer."""
    url, token = bench.stack.gateway_url, bench.signer.admin_token()
    hall = stage.new_hall(url, token, json.loads((stage.ROOT / "docs/examples/arena-50000.json").read_text()))
    took = []
    for _ in range(bench.rounds):
        draft, begun = stage.draft(hall, int(time.time()), 1, 1000), time.monotonic()
        stage.call(f"{url}/events", "POST", token, draft)
        took.append((time.monotonic() - begun) * 1000)
    median = statistics.median(took)
    return tools.row(f"{median:,.0f}", f"{hall['capacity']:,} seats in {min(took):,.0f} to {max(took):,.0f} ms",
                     f"<= {GENERATED_MS:,}", median <= GENERATED_MS, took_ms=took)


# ---- a large catalogue: answers that have to be made ----

def fill(bench) -> None:
    if not bench.large_catalogue:
        tools.say("making 100,000 events")
        storelib.query((stage.ROOT / "tests/load/events.sql").read_text())
        bench.large_catalogue = True


def some_events(count: int) -> list[list[str]]:
    """id, title, artist, city, day; others in every run."""
    return storelib.query(f"""SELECT e.id, e.title, e.artist, v.city, (now() + interval '1 year' * (1 + 2.5 * random()))::date
                              FROM event_service.events AS e JOIN event_service.venues AS v ON v.id = e.venue_id
                              WHERE e.title ~ ' \\d+$' ORDER BY random() LIMIT {count}""")


def list_p95(bench) -> dict:
    """Of three questions one is what many ask, which is kept, one is for a city, and one for a week."""
    usual = [f"/events?page={page}&sort={sort}" for page in range(2) for sort in SORTS]

    def asked(city: str, day: str) -> list[str]:
        week = datetime.date.fromisoformat(day) + datetime.timedelta(days=6)
        return [random.choice(usual), f"/events?{parse.urlencode({'city': city, 'sort': random.choice(SORTS)})}",
                f"/events?from={day}&to={week}&sort={random.choice(SORTS)}"]

    fill(bench)
    for path in usual:
        stage.call(bench.stack.gateway_url + path)
    return paced(bench, "list", [path for *_, city, day in some_events(READERS) for path in asked(city, day)],
                 LISTS_PER_S, 200)


def detail_p95(bench) -> dict:
    """Each of another event, which nobody has asked for before."""
    fill(bench)
    return paced(bench, "detail", [f"/events/{id}" for id, *_ in some_events(READERS)], DETAILS_PER_S, 100)


def search_p95(bench) -> dict:
    """Each for another text that few events have: two syllables, three, a number of up to five digits."""
    fill(bench)
    texts = [text for _, title, artist, *_ in some_events(READERS) for text in (artist[:2], artist, title.split()[-1])]
    return paced(bench, "search", [f"/events?{parse.urlencode({'q': text})}" for text in texts], SEARCHES_PER_S, 50)


# ---- who makes an answer ----

def rebuilds(bench) -> dict:
    """How often an answer is made while 1,000 clients ask for it: once an expiry."""
    tokens = BUILD / "bench-tokens"
    bench.write_new_tokens(tokens, READERS)
    sale = stage.publish_sale(bench.stack.gateway_url, bench.signer.admin_token(), -60, 1, 1000)
    redis = tools.Redis(bench.stack)
    redis.log_scripts()
    run = wrk("live", f"{bench.stack.gateway_url}/events/schedules/{sale.schedule_id}/live", REBUILDS_S, "status.lua", tokens,
              connections=READERS)
    made = redis.runs_of("src/contract/lua/keep_copy.lua", f"schedule:{{{sale.schedule_id}}}:live:maker")
    expiries = REBUILDS_S // LIVE_FRESH_S + 1
    return tools.row(f"{made}", f"times made in {expiries} lives of {LIVE_FRESH_S} s, {run['requests']:,} answers",
                     f"<= {expiries}", 1 < made <= expiries, run=run)
