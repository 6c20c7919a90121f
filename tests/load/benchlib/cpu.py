"""Processor time by program, of the whole machine: what a request costs each of those it passes through."""
import collections
import contextlib
import os
import pathlib

KERNEL = "2"  # the parent of the kernel's own threads
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def used_us() -> collections.Counter:
    """Of every process so far, by the name of its program. Who has ended counts no more, nor does the kernel."""
    used = collections.Counter()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            name, _, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
            words = rest.split()
            if words[1] == KERNEL:
                continue
            used[name] += (int(words[11]) + int(words[12])) * TICK_US
    return used


def per_request(measure) -> dict:
    """What measure() answers, a run of wrk, with "cpu_us": microseconds per request by program. wrk itself has ended then
    and is not among them."""
    before = used_us()
    run = measure()
    spent = used_us() - before  # what is positive
    return run | {"cpu_us": {name: time / run["requests"] for name, time in spent.items()}}
