"""Texts that people name on a command line: files, addresses, standard input."""
import http.client
import sys
import urllib.request

FETCH_TIMEOUT_S = 15
BYTES_MAX = 64 << 20


class Unreadable(Exception):
    """The text says which source it is, and why."""


def fetched(url: str) -> str:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S) as answer:
        body = answer.read(BYTES_MAX + 1)
    if len(body) > BYTES_MAX:
        raise ValueError(f"it is larger than {BYTES_MAX >> 20} MiB")
    return body.decode()


def is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def text_of(source: str) -> str:
    """source: a file, an address, or - for standard input."""
    try:
        if source == "-":
            return sys.stdin.read()
        if is_address(source):
            return fetched(source)
        with open(source, encoding="utf-8") as file:
            return file.read()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unreadable(f"{source} cannot be read: {reason}") from None
