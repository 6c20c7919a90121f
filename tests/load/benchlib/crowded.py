"""Rows about a long line: what a person costs, and what does not grow with it."""
import concurrent.futures
import os
import pathlib
import statistics
import subprocess
import sys

import stage
from benchlib.routes import BUILD, CROWD
from benchlib.tools import metric, row, say, wrk, wrk_command, wrk_together

SIZES = (1000, 10000, 50000)
MILLION = 1000000
BYTES_AIM = 160
CLIENTS = (16, 128, 512)
ORIGIN_AIM = 2.0  # requests per second: one copy lives for a second
POLLS_PER_S, ENTERS_PER_S = 5000, 200
CROWD_S = 20
CROWD_RATE = 100
STATUS_P95_MS, ENTER_P95_MS = 10, 20
TICKS_S = 8
TICK_POLLS_PER_S = 1000
CALLS_PER_S = 10
APPROVER_SCRIPTS = ("look", "admit")
FLAT = 1.5  # what is called flat grows by no more than this


def memory_per_person(bench) -> dict:
    sizes = [*SIZES, *([MILLION] if bench.million else [])]
    for size in sizes:
        bench.lines.of(size)
    found = {str(size): round(bench.lines.bytes[size], 1) for size in sizes}
    detail = "bytes at " + ", ".join(f"{int(size):,}: {value:.0f}" for size, value in found.items())
    worst = max(found.values())
    return row(f"{worst:.0f}", detail, f"<= {BYTES_AIM}", worst <= BYTES_AIM, bytes=found)


def serving_origin(bench) -> dict:
    """Requests for /queue/serving that reach queue.fcgi, however many wait and read."""
    found = {}
    for size in (SIZES[0], MILLION if bench.million else SIZES[-1]):
        url = bench.lines.of(size).url("/queue/serving")
        for clients in CLIENTS:
            before = origin_requests(bench.stack)
            read = wrk("serving", url, 2 * bench.seconds, connections=clients)
            # One more copy may have ended just before.
            found[f"{size} waiting, {clients} clients"] = {
                "origin_per_second": round((origin_requests(bench.stack) - before) / (2 * bench.seconds), 2),
                "served_per_second": round(read["per_second"])}
    worst = max(one["origin_per_second"] for one in found.values())
    served = max(one["served_per_second"] for one in found.values())
    return row(f"{worst:.1f}", f"requests/s at the origin, of up to {served:,} served", f"<= {ORIGIN_AIM:g}",
               worst <= ORIGIN_AIM, by_size=found)


def origin_requests(stack) -> float:
    return metric(stack, "boxoffice_requests_total", 'route="GET /queue/serving"')


def come(bench, meanwhile=lambda: None) -> dict:
    """So many questions a second whatever the answers take, while others enter; ends the bench when one is lost."""
    line = bench.lines.of(CROWD)
    polls, enters = line.write_tokens(BUILD / "bench-tokens"), BUILD / "bench-enters"
    bench.write_new_tokens(enters, 2 * CROWD_S * ENTERS_PER_S)
    line.ask_all()
    line.tune(paused=False, admissionRate=CROWD_RATE)
    say(f"{POLLS_PER_S:,} polls and {ENTERS_PER_S} enters a second for {CROWD_S} s")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        doing = pool.submit(meanwhile)
        seen = wrk_together({
            "status": wrk_command(line.url("/queue/status"), CROWD_S, "paced.lua", polls, POLLS_PER_S, connections=256),
            "enter": wrk_command(f"{bench.stack.gateway_url}/queue/enter", CROWD_S, "paced.lua", enters, ENTERS_PER_S,
                                 line.schedule, connections=32)})
        doing.result()
    line.tune(paused=True)
    return seen


def rolling_restart(bench) -> dict:
    """Every pool of the queue is restarted, one after the other, under the crowd."""
    restarted = []

    def restart() -> None:
        for pool in bench.stack.sockets("queue"):
            folder = bench.stack.dir / "service" / pool
            subprocess.run(["sv", "-w", "60", "restart", folder], check=True, capture_output=True)
            restarted.append(pool)

    seen = come(bench, restart)
    asked = sum(run["requests"] for run in seen.values())
    lost = sum(run["failed"] for run in seen.values())
    return row(f"{lost}", f"of {asked:,} requests while {' and '.join(restarted)} were restarted", "0", lost == 0,
               requests=asked)


def crowd(bench) -> dict:
    """An open loop: so many questions a second whatever the answers take, while others enter."""
    seen = come(bench)
    ms = {what: {share: run[f"{share}_us"] / 1000 for share in ("p50", "p95", "p99")} for what, run in seen.items()}
    detail = "; ".join(f"{what} P50 {one['p50']:.1f}, P95 {one['p95']:.1f}, P99 {one['p99']:.1f} ms, "
                       f"{seen[what]['per_second']:,.0f}/s" for what, one in ms.items())
    met = ms["status"]["p95"] <= STATUS_P95_MS and ms["enter"]["p95"] <= ENTER_P95_MS
    return row(f"{ms['status']['p95']:.1f}/{ms['enter']['p95']:.1f}", detail,
               f"<= {STATUS_P95_MS}/{ENTER_P95_MS}", met, milliseconds=ms, runs=seen)


def approver_tick(bench) -> dict:
    """Redis' time for one round of an approver, which looks at the line and calls people. All lines are open at once, and
    people poll meanwhile: in an idle machine the first line of each round would pay for waking it up."""
    sizes = [*([MILLION] if bench.million else []), *reversed(SIZES)]
    lines = {size: bench.lines.of(size) for size in sizes}
    for line in lines.values():
        line.ask_all()
    for line in lines.values():
        line.tune(paused=False, admissionRate=CALLS_PER_S)
    schedules = [line.schedule for line in lines.values()]
    tokens = lines[CROWD].write_tokens(BUILD / "bench-tokens")
    bench.lines.redis.log_scripts()
    wrk("status", lines[CROWD].url("/queue/status"), TICKS_S, "paced.lua", tokens, TICK_POLLS_PER_S)
    times = bench.lines.redis.script_times(APPROVER_SCRIPTS, schedules)
    for line in lines.values():
        line.tune(paused=True)
    return tick_row({size: times[lines[size].schedule] for size in sorted(sizes)})


def tick_row(times: dict[int, dict[str, list[int]]]) -> dict:
    if any(not runs for scripts in times.values() for runs in scripts.values()):
        sys.exit("bench: the approvers did not serve every line: see their logs")
    medians = {size: {name: statistics.median(runs) for name, runs in scripts.items()} for size, scripts in times.items()}
    sums = {size: sum(scripts.values()) for size, scripts in medians.items()}
    growth = max(sums.values()) / sums[SIZES[0]]
    detail = f"µs for {' + '.join(APPROVER_SCRIPTS)} at " + ", ".join(f"{size:,}: {took:.0f}" for size, took in sums.items())
    return row(f"{growth:.2f}", detail, f"<= {FLAT}", growth <= FLAT, median_us=medians)


def memory(bench) -> dict:
    """Proportional set size of every process that runs one of our programs."""
    by_program: dict[str, int] = {}
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            binary = pathlib.Path(os.readlink(process / "exe"))
            if binary.parent != stage.ROOT / "build" or binary.name == "hello":
                continue
            rollup = (process / "smaps_rollup").read_text()
        except (OSError, PermissionError):
            continue
        kilobytes = int(next(line for line in rollup.splitlines() if line.startswith("Pss:")).split()[1])
        by_program[binary.name] = by_program.get(binary.name, 0) + kilobytes
    total = sum(by_program.values()) / 1024
    return row(f"{total:.0f}", "MB of all our processes", "<= 150", total <= 150, megabytes=round(total, 1),
               programs_kb=dict(sorted(by_program.items())))
