"""Instruments of the bench: wrk, Redis' own figures, further locations of nginx, metrics; and what a row is."""
import hashlib
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

import stage
from stacklib import programs
from stacklib.settings import Stack, program

CONNECTIONS = 16


def say(text: str) -> None:
    print(f"  {text}", flush=True)


# ---- wrk ----


# A request that takes longer has failed.
PATIENCE_S = 10


def wrk_command(url: str, seconds: int, script: str, *args: object, connections: int = CONNECTIONS) -> list[str]:
    return [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={PATIENCE_S}s", "-s",
            str(stage.ROOT / "tests/load" / script), url, "--", *(str(arg) for arg in args)]


def wrk_result(output: str, what: str) -> dict:
    """Ends the bench when a request failed. The Lua scripts print one JSON line, the last."""
    run = json.loads(output.strip().splitlines()[-1])
    if run["failed"]:
        sys.exit(f"bench: {run['failed']} of {run['requests']} requests of '{what}' failed: {run['statuses']}")
    return run


def wrk(what: str, url: str, seconds: int, script: str = "plain.lua", *args: object,
        connections: int = CONNECTIONS) -> dict:
    command = wrk_command(url, seconds, script, *args, connections=connections)
    done = subprocess.run(command, text=True, capture_output=True, cwd=stage.ROOT)
    if done.returncode != 0:
        sys.exit(f"bench: wrk for '{what}' ended with {done.returncode}: {done.stderr.strip()}")
    return wrk_result(done.stdout, what)


def wrk_together(runs: dict[str, list[str]]) -> dict[str, dict]:
    """Several at once, by what they measure."""
    started = {what: subprocess.Popen(command, text=True, stdout=subprocess.PIPE, cwd=stage.ROOT)
               for what, command in runs.items()}
    outputs = {what: process.communicate()[0] for what, process in started.items()}
    return {what: wrk_result(output, what) for what, output in outputs.items()}


# ---- nginx ----


def reload_nginx(stack: Stack) -> None:
    """Returns when the workers of the new configuration answer."""
    os.kill(int((stack.run / "nginx.pid").read_text()), signal.SIGHUP)
    time.sleep(0.3)
    stage.wait_until(lambda: stage.answers(f"{stack.gateway_url}/health/live"), 10)


class Location:
    """One more location of the public listener, for as long as the `with` block lasts."""

    def __init__(self, stack: Stack, path: str, text: str):
        self.stack = stack
        self.file = stack.conf / "public.d" / f"{path.strip('/').replace('/', '-')}.conf"
        self.text = f"location = {path} {{\n{text}\n}}\n"

    def __enter__(self):
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(self.text)
        reload_nginx(self.stack)
        return self

    def __exit__(self, *_):
        self.file.unlink()
        reload_nginx(self.stack)


class Pool:
    """Processes of one of build/tests/load on a socket of their own, for as long as the `with` block lasts."""

    def __init__(self, stack: Stack, binary: str, processes: int, env: dict | None = None):
        self.socket = stack.run / f"{binary}.sock"
        self.env = os.environ | (env or {})
        self.command = [program("spawn-fcgi"), "-n", "-s", str(self.socket), "-M", "0660", "-b", "1024", "--",
                        program("multiwatch"), "-f", str(processes), "--",
                        str(stage.ROOT / "build/tests/load" / binary)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, env=self.env, start_new_session=True)
        return self

    def __exit__(self, *_):
        # libfcgi may miss a milder signal until the next request comes.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.socket.unlink(missing_ok=True)


class Hello(Pool):
    """The FastCGI hello behind the test stack's nginx, at /bench/hello, one connection a request."""

    PROCESSES = 8

    def __init__(self, stack: Stack):
        super().__init__(stack, "hello", self.PROCESSES)
        self.location = Location(stack, "/bench/hello", f"set $service hello;\nfastcgi_pass unix:{self.socket};")
        self.url = f"{stack.gateway_url}/bench/hello"

    def __enter__(self):
        super().__enter__()
        self.location.__enter__()
        return self

    def __exit__(self, *_):
        self.location.__exit__()
        super().__exit__()


class BareHello(Pool):
    """The same hello behind an nginx that has nothing but what it needs for that."""

    CONFIGURATION = """{user}daemon off; pid {folder}/bare.pid; error_log stderr warn; worker_processes auto;
events {{ worker_connections 4096; }}
http {{
    access_log off; keepalive_requests 100000;
    client_body_temp_path {folder}/bare; fastcgi_temp_path {folder}/bare; proxy_temp_path {folder}/bare;
    uwsgi_temp_path {folder}/bare; scgi_temp_path {folder}/bare;
    fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
    server {{ listen {port} backlog=4096; location / {{ fastcgi_pass unix:{socket}; }} }}
}}
"""

    def __init__(self, stack: Stack):
        super().__init__(stack, "hello", Hello.PROCESSES)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/"
        self.file = stack.run / "bare.conf"
        self.file.write_text(self.CONFIGURATION.format(
            user="user root; " if os.geteuid() == 0 else "", folder=stack.run, port=f"127.0.0.1:{port}",
            socket=self.socket))

    def __enter__(self):
        super().__enter__()
        self.nginx = subprocess.Popen([program("nginx"), "-c", str(self.file), "-p", str(self.file.parent)])
        stage.wait_until(lambda: stage.answers(self.url), 10, "the bare nginx")
        return self

    def __exit__(self, *_):
        self.nginx.terminate()
        self.nginx.wait()
        self.file.unlink()
        super().__exit__()


class KeptHello(Pool):
    """A hello of our skeleton, connections kept and a token checked, behind our whole nginx configuration."""

    PATH = "/bench/hello"
    WORDS = "set $service hello;\nfastcgi_keep_conn on;\nfastcgi_pass hello_kept;"

    def __init__(self, stack: Stack):
        processes = stack["BOX_QUEUE_INSTANCES"] * stack["BOX_QUEUE_PROCESSES"]
        super().__init__(stack, "hello_kept", processes, programs.environment(stack, "queue"))
        self.upstream = stack.conf / "http.d" / "hello_kept.conf"
        self.location = Location(stack, self.PATH, self.WORDS)
        self.url = stack.gateway_url + self.PATH

    def __enter__(self):
        super().__enter__()
        self.upstream.parent.mkdir(exist_ok=True)
        self.upstream.write_text(f"upstream hello_kept {{ server unix:{self.socket}; keepalive 128; "
                                 "keepalive_requests 1000000; }\n")
        self.location.__enter__()
        return self

    def __exit__(self, *_):
        self.location.file.unlink()
        self.upstream.unlink()
        reload_nginx(self.location.stack)
        super().__exit__()


# ---- Redis ----


class Redis:
    """As much of a client as the bench needs."""

    def __init__(self, stack: Stack):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(stack.redis_socket))
        self.stream = self.socket.makefile("rb")

    def __call__(self, *words: object):
        encoded = [str(word).encode() for word in words]
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded]
        self.socket.sendall(b"*%d\r\n%s" % (len(parts), b"".join(parts)))
        return self._answer()

    def _answer(self):
        line = self.stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-" or not line:
            sys.exit(f"bench: Redis refuses: {rest.decode() or 'it closed the connection'}")
        if kind == b"*":
            return [self._answer() for _ in range(int(rest))]
        if kind == b"$":
            return self.stream.read(int(rest) + 2)[:-2] if rest != b"-1" else None
        return int(rest) if kind == b":" else rest

    def _keys(self, pattern: str) -> set[str]:
        cursor, keys = None, set()
        while cursor != b"0":
            cursor, found = self("SCAN", (cursor or b"0").decode(), "MATCH", pattern, "COUNT", 1000)
            keys |= {key.decode() for key in found}
        return keys

    def bytes_of(self, pattern: str) -> int:
        """What the keys of this pattern take, names and all. Redis' total would also tell of buffers and of others."""
        return sum(self("MEMORY", "USAGE", key, "SAMPLES", 0) or 0 for key in self._keys(pattern))

    def fields_of(self, pattern: str) -> int:
        """How many fields the hashes of this pattern have together."""
        return sum(self("HLEN", key) for key in self._keys(pattern))

    def log_scripts(self) -> None:
        """From now on every command is in the slow log, for script_times()."""
        self("CONFIG", "SET", "slowlog-max-len", 1000000)
        self("CONFIG", "SET", "slowlog-log-slower-than", 0)
        self("SLOWLOG", "RESET")

    def runs_of(self, script: str, first_key: str) -> int:
        """How often the script ran on this key since log_scripts()."""
        self("CONFIG", "SET", "slowlog-log-slower-than", 10000)
        digest, key = sha1_of(script).encode(), first_key.encode()
        return sum(words[0].upper() == b"EVALSHA" and (words[1], words[3]) == (digest, key)
                   for _, _, _, words, *_ in self("SLOWLOG", "GET", -1))

    def script_times(self, scripts: tuple, schedules: list[str]) -> dict[str, dict[str, list[int]]]:
        """Microseconds of every run of these scripts of the queue since log_scripts(), by line."""
        self("CONFIG", "SET", "slowlog-log-slower-than", 10000)
        names = {script_sha1(name).encode(): name for name in scripts}
        found = {schedule: {name: [] for name in scripts} for schedule in schedules}
        for _, _, took, words, *_ in self("SLOWLOG", "GET", -1):
            if words[0].upper() == b"EVALSHA" and words[1] in names:
                schedule = words[3].decode().partition("{")[2].partition("}")[0]
                if schedule in found:
                    found[schedule][names[words[1]]].append(took)
        return found


def forget_markers(stack: Stack) -> None:
    """As if all lines before had been closed: then nobody has a one-queue marker (src/queue/queue_keys.h)."""
    Redis(stack)("DEL", *(f"queue:users:{shard:02x}" for shard in range(256)))


def script_sha1(name: str) -> str:
    return sha1_of(f"src/queue/lua/{name}.lua")


def sha1_of(script: str) -> str:
    return hashlib.sha1((stage.ROOT / script).read_bytes()).hexdigest()


# ---- metrics ----


def metric(stack: Stack, name: str, *labels: str) -> float:
    """The sum of all its series that carry these labels."""
    with urllib.request.urlopen(f"{stack.internal_url}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith(name + "{") and all(label in line for label in labels))


# ---- rows ----


def ratio(ours: list[float], theirs: list[float], unit: str, aim: float) -> dict:
    """Paired runs: the median of the pairs' ratios counts."""
    ratios = [mine / other for mine, other in zip(ours, theirs)]
    middle, mine, other = statistics.median(ratios), statistics.median(ours), statistics.median(theirs)
    return row(f"{middle:.2f}", f"{mine:,.0f} ÷ {other:,.0f} {unit}", f">= {aim}", middle >= aim,
               ratio=round(middle, 3), ratios=[round(one, 3) for one in ratios], ours=round(mine), theirs=round(other), unit=unit)


def row(shown: str, detail: str, aim: str, met: bool, **figures) -> dict:
    return {"shown": shown, "detail": detail, "aim": aim, "met": met, **figures}
