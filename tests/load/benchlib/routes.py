"""Rows that compare a route's rate with that of something simpler behind the same nginx."""
import os
import pathlib
import subprocess
import urllib.request

import crowd
import stage
from benchlib.tools import BareHello, Hello, KeptHello, Location, forget_markers, ratio, say, wrk
from stacklib.settings import Stack, postgresql_bin

BUILD = stage.ROOT / "build"
CROWD = 50000
WARM_TIMES, WARM_SECONDS = 4, 2  # more, and people would meet their limit
HOLD_S_MAX = 2  # the hall has no more seats
ENTERS_PER_S_MAX = 30000  # more than any machine so far has managed: so many users are made ready

# What nginx or this bench sets by itself on either side.
OWN_HEADERS = {"server", "date", "content-type", "content-length", "connection", "last-modified", "etag",
               "accept-ranges", "x-trace-id"}


def warm_up(url: str, tokens) -> None:
    """Who waits polls for minutes: every process has met the tokens (BOX_TOKEN_CACHE) of nearly all of the crowd."""
    sent = 0
    while sent < WARM_TIMES * CROWD:
        sent += wrk("warm-up", url, WARM_SECONDS, "status.lua", tokens)["requests"]


def hello_vs_bare(bench) -> dict:
    """What our whole configuration and the skeleton cost; the other side has neither token nor log."""
    line = bench.lines.of(CROWD)
    tokens = line.write_tokens(BUILD / "bench-tokens")
    kept, bare = [], []
    with KeptHello(bench.stack) as ours, BareHello(bench.stack) as simple:
        warm_up(ours.url, tokens)
        for _ in range(bench.rounds):
            bare.append(wrk("bare hello", simple.url, bench.seconds, "status.lua", tokens)["per_second"])
            kept.append(wrk("kept hello", ours.url, bench.seconds, "status.lua", tokens)["per_second"])
    return ratio(kept, bare, "requests/s", 1.6)


def status_vs_hello(bench) -> dict:
    """Each of 50,000 waiting users asks in turn, so that nobody meets the limit. The hello gets the same requests."""
    line = bench.lines.of(CROWD)
    tokens = line.write_tokens(BUILD / "bench-tokens")
    hello, status = [], []
    warm_up(line.url("/queue/status"), tokens)
    with Hello(bench.stack) as simple:
        for _ in range(bench.rounds):
            hello.append(wrk("hello", simple.url, bench.seconds, "status.lua", tokens)["per_second"])
            status.append(wrk("status", line.url("/queue/status"), bench.seconds, "status.lua", tokens)["per_second"])
    return ratio(status, hello, "requests/s", 0.75)


def enter_vs_hello(bench) -> dict:
    """Every request is another user's first, each round at a sale of its own. The hello gets the same requests."""
    count = bench.rounds * bench.seconds * ENTERS_PER_S_MAX
    say(f"making {count:,} users ready to enter")
    tokens = BUILD / "bench-enters"
    bench.write_new_tokens(tokens, count)
    hello, enters = [], []
    with Hello(bench.stack) as simple:
        for number in range(bench.rounds):
            sale = stage.publish_sale(bench.stack.gateway_url, bench.signer.admin_token(), -60, 1, 1000000)
            forget_markers(bench.stack)
            words = ["enter.lua", tokens, f"{number}/{bench.rounds}", sale.schedule_id]
            hello.append(wrk("hello", simple.url, bench.seconds, *words, "again")["per_second"])
            enters.append(wrk("enter", f"{bench.stack.gateway_url}/queue/enter", bench.seconds, *words)["per_second"])
    return ratio(enters, hello, "requests/s", 0.6)


def hold_vs_pgbench(bench) -> dict:
    holds, claims = [], []
    people = crowd.Crowd(bench.stack)
    seconds = min(bench.seconds, HOLD_S_MAX)
    orders = people.write_orders(BUILD / "bench-orders")
    for number in range(bench.rounds):
        holds.append(wrk("hold", f"{bench.stack.gateway_url}/reservations/hold", seconds, "hold.lua", orders,
                         f"{number}/{bench.rounds}", people.schedule)["per_second"])
        claims.append(pgbench(bench.stack, seconds))
    return ratio(holds, claims, "holds/s", 0.6)


def pgbench(stack: Stack, seconds: int) -> float:
    password = (stack.secrets / "db-reservation_service").read_text()
    command = [str(postgresql_bin() / "pgbench"), "-n", "-M", "prepared", "-c", "8", "-j", "1", "-T", str(seconds),
               "-f", str(stage.ROOT / "tests/load/hold.sql"), stack.db_url("reservation_service")]
    done = subprocess.run(command, check=True, text=True, capture_output=True,
                          env=os.environ | {"PGPASSWORD": password})
    return float(next(line for line in done.stdout.splitlines() if line.startswith("tps")).split()[2])


def serving_vs_static(bench) -> dict:
    """The document that everybody reads, against a file of the same bytes with the same headers."""
    serving, static = against_static(bench, bench.lines.of(CROWD).url("/queue/serving"), "serving")
    return ratio(serving, static, "requests/s", 0.7)


def against_static(bench, url: str, name: str) -> tuple[list[float], list[float]]:
    """Requests per second of each round: of what is at the address, and of a file like it."""
    file = bench.stack.run / f"bench-{name}.json"
    path = f"/bench/{name}.json"
    with urllib.request.urlopen(url, timeout=10) as answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        file.write_bytes(answer.read())
    static, ours = [], []
    try:
        with Location(bench.stack, path, static_location(file, headers)):
            for _ in range(bench.rounds):
                static.append(wrk("static", bench.stack.gateway_url + path, bench.seconds)["per_second"])
                ours.append(wrk(name, url, bench.seconds)["per_second"])
    finally:
        file.unlink()
    return ours, static


def static_location(file: pathlib.Path, headers: dict[str, str]) -> str:
    """nginx' words for the file with those headers of the answer that nginx would not send by itself."""
    own = stage.ROOT / "nginx/headers.conf"
    inherited = own.read_text().lower()
    more = [f'add_header {name} "{value}" always;' for name, value in headers.items()
            if name not in OWN_HEADERS and f"add_header {name} " not in inherited]
    return "\n".join(["set $service bench;", f"alias {file};", "etag off;", "include headers.conf;", *more])
