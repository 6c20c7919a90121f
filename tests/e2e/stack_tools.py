"""Waiting for a condition, and looking at processes; nothing here sleeps for a fixed time and hopes."""
import pathlib
import time


def await_(condition, seconds: float = 10):
    """The first true value of condition(); fails when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def children(pid: int) -> set[int]:
    """Living child processes."""
    found = set()
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        found |= {int(word) for word in task.read_text().split()}
    return {child for child in found if alive(child)}


def alive(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
