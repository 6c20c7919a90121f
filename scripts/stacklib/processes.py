"""Waiting, and looking after processes that are not our own children."""
import os
import pathlib
import signal
import socket
import struct
import time

from stacklib.settings import Failure

# As long as the gateway would wait for the slowest request.
CHILD_WAIT_S = 65


def wait_until(condition, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def listens(port: int) -> bool:
    """Whether somebody takes connections there, on the loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def children(pid: int) -> set[int]:
    """Living child processes."""
    words = " ".join(path.read_text() for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children")).split()
    return {int(word) for word in words if alive(int(word))}


def alive(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def pool_health(path: pathlib.Path, seconds: float = 5) -> bytes:
    """What a pool of a responder says of itself, asked by FastCGI on its socket; nothing when nobody answers there."""
    params = {"REQUEST_METHOD": "GET", "DOCUMENT_URI": "/internal/health", "SERVER_PROTOCOL": "HTTP/1.1"}
    pairs = b"".join(bytes([len(key), len(value)]) + (key + value).encode() for key, value in params.items())
    request = b"".join(struct.pack(">BBHHxx", 1, kind, 1, len(data)) + data
                       for kind, data in ((1, b"\0\1\0\0\0\0\0\0"), (4, pairs), (4, b""), (5, b"")))
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(seconds)
            client.connect(str(path))
            client.sendall(request)
            return client.makefile("rb").read()
    except OSError:
        return b""


def replace_children(pid: int) -> None:
    """Lets each child of multiwatch finish its request and end; multiwatch starts the new binary in its place. Their
    socket stays open all the while."""
    before = children(pid)
    for child in before:
        try:
            os.kill(child, signal.SIGUSR1)
        except ProcessLookupError:
            continue
        if not wait_until(lambda: not alive(child) and len(children(pid)) >= len(before), CHILD_WAIT_S):
            raise Failure(f"process {child} does not end; its pool is {pid}")
