"""What each part of the gateway's configuration costs: the processor time of a hello with it and without it."""
import contextlib
import statistics

from benchlib.cpu import per_request
from benchlib.routes import BUILD, CROWD, warm_up
from benchlib.tools import KeptHello, Location, row, say, wrk

AIM_SHARE = 0.1
PROGRAMS = ("nginx", "svlogd", "hello_kept")

# What a location says to be without a part. Lists are inherited as a whole or not at all: one line of its own drops them.
NO_LOG = "access_log off;"
NO_HEADERS = 'add_header X-None "";'  # an empty one is not sent
NO_GZIP = "gzip off;"
# A trace id, or the responder would make one.
LEAST_PARAMETERS = "\n".join(["fastcgi_param HTTP_X_TRACE_ID 0123456789abcdef0123456789abcdef;",
                              *(f"fastcgi_param {name} ${name.lower()};" for name in (
                                  "REQUEST_METHOD", "DOCUMENT_URI", "HTTP_AUTHORIZATION"))])
WITHOUT = {"log": NO_LOG, "headers": NO_HEADERS, "gzip": NO_GZIP, "parameters": LEAST_PARAMETERS}
# The trace id is made for whoever asks first: the log, the headers and the parameters do.
TRACE = "add_header X-Trace-Id $trace_id;"
WHOLE, BARE, TRACED = "whole", "bare", "bare-but-trace"
SIDES = {WHOLE: "", **WITHOUT, BARE: "\n".join(WITHOUT.values()),
         TRACED: "\n".join(TRACE if name == "headers" else words for name, words in WITHOUT.items())}


def gateway_cost(bench) -> dict:
    """One location for each part that is left out, side by side, in front of one hello."""
    tokens = bench.lines.of(CROWD).write_tokens(BUILD / "bench-tokens")
    costs = {name: [] for name in SIDES}
    with KeptHello(bench.stack) as hello, contextlib.ExitStack() as added:
        for name, words in SIDES.items():
            text = f"rewrite ^ {hello.PATH} break;\n{hello.WORDS}\n{words}"
            added.enter_context(Location(bench.stack, f"/bench/{name}", text))
        warm_up(hello.url, tokens)
        for _ in range(bench.rounds):
            for name, found in costs.items():
                url = f"{bench.stack.gateway_url}/bench/{name}"
                run = per_request(lambda: wrk(name, url, bench.seconds, "status.lua", tokens))
                found.append(sum(run["cpu_us"].get(program, 0) for program in PROGRAMS))
    return judge(costs)


def judge(costs: dict[str, list[float]]) -> dict:
    def more(name: str, than: str) -> float:
        return statistics.median(one - other for one, other in zip(costs[name], costs[than]))

    parts = {name: more(WHOLE, name) for name in WITHOUT} | {"trace id": more(TRACED, BARE)}
    for name, part in parts.items():
        say(f"{name}: {part:.1f} µs")
    share = statistics.median(one / other - 1 for one, other in zip(costs[WHOLE], costs[BARE]))
    told = ", ".join(f"{name} {part:.1f}" for name, part in parts.items())
    return row(f"{share:.0%}", f"above {statistics.median(costs[BARE]):.1f} µs a hello: {told} µs", f"<= {AIM_SHARE:.0%}",
               share <= AIM_SHARE, share=share, parts=parts)
