"""The stack's processes: which they are, and ending them one by one."""
import contextlib
import os
import signal

from box_office import wait_for
from stacklib.processes import pool_health
from stack_tools import alive, children, redis_says, service_pid, sv

RESPONDERS = ("user", "login", "outside", "event", "queue", "reservation", "payment", "gateway", "sandbox")
DAEMONS = ("queue-approver-1", "queue-approver-2", "outbox-relay", "mailer", "reservation-saga", "event-saga",
           "payment-saga-1", "payment-saga-2")


def workers(stack, pool: str) -> set[int]:
    return children(service_pid(stack, pool)) if service_pid(stack, pool) else set()


def kill(stack, service: str) -> int:
    """Ends the process without letting it do anything; says which it was."""
    victim = wait_for(f"process of {service}", lambda: service_pid(stack, service))
    os.kill(victim, signal.SIGKILL)
    return victim


def kill_pools(stack, *pools: str) -> None:
    """Every process of them, with what would start others."""
    for pool in pools:
        kill(stack, pool)
        for worker in workers(stack, pool):
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)


def all_pids(stack) -> dict[str, int]:
    """Of our own daemons and pools; the periodic job starts a process every time."""
    pools = [f"{responder}-1" for responder in RESPONDERS]
    return {service: service_pid(stack, service) for service in (*pools, *DAEMONS)}


def answers(stack, pool: str) -> bool:
    """Whether this pool itself serves a request and has its stores: nginx would ask the other one too."""
    return b'"UP"' in pool_health(stack.dir / "run" / f"{pool}.sock")


# ---- Redis ----


def flush_scripts(stack) -> None:
    assert redis_says(stack, b"SCRIPT FLUSH") == b"+OK\r\n"


def empty_redis(stack) -> None:
    """As a new one would be, but for what PortOne's stand-in remembers."""
    assert redis_says(stack, b"FLUSHDB") == b"+OK\r\n"


def restart_redis(stack) -> None:
    sv(stack, "restart", "redis")
    wait_for("Redis", lambda: redis_says(stack, b"PING") == b"+PONG\r\n")


def kill_redis(stack) -> None:
    victim = kill(stack, "redis")
    wait_for("Redis", lambda: not alive(victim) and redis_says(stack, b"PING") == b"+PONG\r\n")
