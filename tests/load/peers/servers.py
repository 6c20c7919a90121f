"""The peers as servers: each on a free loopback port, with a database of its own in the test stack's Redis."""
import os
import pathlib
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time

import stage
from peers import packages
from stacklib.settings import Stack, program

HERE = pathlib.Path(__file__).resolve().parent
READY_S = 60
END_S = 10
LOG_LINES = 15
HEAP = "512m"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One peer, for as long as the `with` block lasts."""

    name = ""
    database = 0
    warm_up_requests = 0  # after which it is as fast as it gets

    def __init__(self, stack: Stack, tries_a_minute: int):
        self.stack, self.tries_a_minute = stack, tries_a_minute
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = dict(os.environ)
        self.process = None

    def command(self, run: pathlib.Path) -> list:
        """What starts it in the foreground; may write into that folder."""
        raise NotImplementedError

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-peer-")
        self.run = pathlib.Path(self.folder.name)
        try:
            with open(self.run / "log", "w") as log:
                # Not in our group: a ctrl-C is for us, and we end it.
                self.process = subprocess.Popen(self.command(self.run), env=self.environment, stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log, start_new_session=True)
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.folder.cleanup()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_S
        while not stage.answers(f"{self.url}/health"):
            if self.process.poll() is not None or time.monotonic() > end:
                last = (self.run / "log").read_text(errors="replace").splitlines()[-LOG_LINES:]
                sys.exit(f"bench-peers: {self.name} does not start:\n  " + "\n  ".join(last))
            time.sleep(0.05)


class NginxLua(Server):
    name = "nginx-lua"
    database = 9

    def command(self, run: pathlib.Path) -> list:
        if platform.machine() != packages.MACHINE:
            sys.exit(f"bench-peers: nginx-lua is pinned for {packages.MACHINE}: leave it out with --peers spring-webflux")
        root = packages.nginx_lua()
        values = {
            # Without this, workers of a root's nginx could not open Redis' socket.
            "USER_LINE": "user root;" if os.geteuid() == 0 else "",
            "PACKAGES": root, "MACHINE": packages.MACHINE, "RUN": run, "LUA": HERE / "nginx-lua", "PORT": self.port,
            "KEYS_FILE": self.stack.secrets / "jwt-keys", "REDIS_SOCKET": self.stack.redis_socket,
            "DATABASE": self.database, "SCRIPTS": HERE / "redis", "TRIES_A_MINUTE": self.tries_a_minute}
        text = (HERE / "nginx-lua/nginx.conf.in").read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        (run / "nginx.conf").write_text(text)
        libraries = f"lib/{packages.MACHINE}-linux-gnu"
        self.environment["LD_LIBRARY_PATH"] = f"{root / 'usr' / libraries}:{root / libraries}"
        return [program("nginx"), "-e", "stderr", "-p", run, "-c", run / "nginx.conf"]


class SpringWebFlux(Server):
    name = "spring-webflux"
    database = 10
    warm_up_requests = 300000

    def command(self, run: pathlib.Path) -> list:
        # Of the collectors, this one leaves most to the two cores.
        return [program("java"), f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+UseParallelGC", "-jar", packages.spring_jar(),
                f"--server.port={self.port}", f"--peer.keys-file={self.stack.secrets / 'jwt-keys'}",
                f"--peer.redis-socket={self.stack.redis_socket}", f"--peer.database={self.database}",
                f"--peer.scripts={HERE / 'redis'}", f"--peer.tries-a-minute={self.tries_a_minute}"]


PEERS = {server.name: server for server in (NginxLua, SpringWebFlux)}
