"""Rows of what a crowd reads of the catalogue: kept by the gateway for a second, and made by a responder from Redis."""
import json
import statistics
import time

import crowd
import stage
from benchlib import tools
from benchlib.routes import BUILD, against_static
from benchlib.tools import Hello, ratio, wrk

READERS = 1000
MAPS_PER_S = 100
GENERATED_MS = 2000
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


def map_p95(name: str, most_ms: float):
    """Of a hall of 50,000 seats, from a responder with a warm Redis, in an open loop of MAPS_PER_S."""
    def row(bench) -> dict:
        tokens = BUILD / "bench-tokens"
        bench.write_new_tokens(tokens, READERS)
        url = f"{bench.stack.gateway_url}/events/schedules/{crowd.Crowd(bench.stack).schedule}/{name}"
        run = wrk(name, url, bench.seconds, "paced.lua", tokens, MAPS_PER_S, connections=64)
        p50, p95 = run["p50_us"] / 1000, run["p95_us"] / 1000
        return tools.row(f"{p95:.1f}", f"P50 {p50:.1f}, P95 {p95:.1f} ms, {run['per_second']:,.0f}/s",
                         f"<= {most_ms}", p95 <= most_ms, run=run)
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
