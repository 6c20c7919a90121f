"""Waiting for a condition, and looking at processes; nothing here sleeps for a fixed time and hopes."""
import pathlib
import socket
import subprocess
import time

import requests


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
        try:
            found |= {int(word) for word in task.read_text().split()}
        except (FileNotFoundError, ProcessLookupError):
            continue
    return {child for child in found if alive(child)}


def alive(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def service_pid(stack, service: str) -> int:
    """The process that runit started; 0 while there is none."""
    try:
        return int((stack.dir / "service" / service / "supervise" / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return 0


def sv(stack, command: str, service: str) -> None:
    """Returns when the service has done it."""
    subprocess.run(["sv", "-w", "60", command, stack.dir / "service" / service], check=True, capture_output=True)


def keys_in_use(stack, secret: str) -> list[tuple[str, str]]:
    """Name and key of the entries of a ring whose time has come; of what has no names, the key and nothing."""
    found = []
    for entry in (stack.dir / "secrets" / secret).read_text().strip().split(","):
        head, _, key = entry.partition(":")
        name, _, begins = head.partition("@")
        if int(begins or 0) <= time.time():
            found.append((name, key))
    return found


def service_key(stack, service: str) -> str:
    """With which it calls others."""
    return keys_in_use(stack, f"service-key-{service}")[0][0]


def healthy(stack) -> bool:
    try:
        return requests.get(f"{stack.gateway_url}/health", timeout=10).status_code == 200
    except requests.RequestException:
        return False


def redis_says(stack, command: bytes) -> bytes:
    """Its answer to one command, as it comes; nothing when it is away."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(stack.dir / "run" / "redis.sock"))
            client.sendall(command + b"\r\n")
            return client.recv(4096)
    except OSError:
        return b""
