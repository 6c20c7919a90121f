"""What each part of the gateway's configuration costs: the processor time of a hello with it and without it."""
import contextlib
import os
import pathlib
import statistics

from benchlib.routes import BUILD, CROWD
from benchlib.tools import KeptHello, Location, row, say, wrk
from stacklib.settings import Stack

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
AIM_SHARE = 0.1

# What a location says to be without a part. Lists are inherited as a whole or not at all: one line of its own drops them.
NO_LOG = "access_log off;"
NO_HEADERS = 'add_header X-None "";'  # an empty one is not sent
NO_GZIP = "gzip off;"
LEAST_PARAMETERS = "\n".join(f"fastcgi_param {name} ${name.lower()};" for name in (
    "REQUEST_METHOD", "DOCUMENT_URI", "HTTP_AUTHORIZATION"))
WITHOUT = {"log": NO_LOG, "headers": NO_HEADERS, "gzip": NO_GZIP, "parameters": LEAST_PARAMETERS}
WHOLE, BARE = "whole", "bare"
SIDES = {WHOLE: "", **WITHOUT, BARE: "\n".join(WITHOUT.values())}


class Processes:
    """nginx' workers, its log's writer and the hello: what a hello costs, without who asks."""

    def __init__(self, stack: Stack, hello: KeptHello):
        self.roots = {int((stack.run / "nginx.pid").read_text()), hello.process.pid}
        self.log = str(stack.dir / "log" / "nginx")

    def _belongs(self, process: pathlib.Path) -> bool:
        try:
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            words = (process / "cmdline").read_text()
        except OSError:  # it has ended
            return False
        return bool({parent, int(process.name)} & self.roots) or "svlogd" in words and self.log in words

    def used_us(self) -> float:
        """Processor time so far."""
        ticks = 0
        for process in filter(self._belongs, pathlib.Path("/proc").glob("[0-9]*")):
            with contextlib.suppress(OSError):
                words = (process / "stat").read_text().rsplit(")", 1)[1].split()
                ticks += int(words[11]) + int(words[12])
        return ticks * TICK_US


def gateway_cost(bench) -> dict:
    """One location for each part that is left out, side by side, in front of one hello."""
    tokens = bench.lines.of(CROWD).write_tokens(BUILD / "bench-tokens")
    costs = {name: [] for name in SIDES}
    with KeptHello(bench.stack) as hello, contextlib.ExitStack() as added:
        for name, words in SIDES.items():
            text = f"rewrite ^ {hello.PATH} break;\n{hello.WORDS}\n{words}"
            added.enter_context(Location(bench.stack, f"/bench/without-{name}", text))
        processes = Processes(bench.stack, hello)
        for _ in range(bench.rounds):
            for name, found in costs.items():
                before = processes.used_us()
                run = wrk(name, f"{bench.stack.gateway_url}/bench/without-{name}", bench.seconds, "status.lua", tokens)
                found.append((processes.used_us() - before) / run["requests"])
    return judge(costs)


def judge(costs: dict[str, list[float]]) -> dict:
    whole, bare = (statistics.median(costs[name]) for name in (WHOLE, BARE))
    parts = {name: statistics.median(all_in - less for all_in, less in zip(costs[WHOLE], costs[name]))
             for name in WITHOUT}
    for name, part in parts.items():
        say(f"{name}: {part:.1f} µs of {whole:.1f}")
    share = statistics.median(all_in / less - 1 for all_in, less in zip(costs[WHOLE], costs[BARE]))
    told = ", ".join(f"{name} {part:.1f}" for name, part in parts.items())
    return row(f"{share:.0%}", f"more than {bare:.1f} µs a hello: {told} µs", f"<= {AIM_SHARE:.0%}", share <= AIM_SHARE,
               share=share, parts=parts)
