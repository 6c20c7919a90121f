"""runit: starts and stops services and knows which are up."""
import os
import pathlib
import shutil
import signal
import subprocess

from stacklib.processes import wait_until
from stacklib.services import Service, fingerprint
from stacklib.settings import Failure, Stack, program

# runsvdir looks for new folders every five seconds.
SUPERVISE_WAIT_S = 8
STOP_WAIT_S = 75  # nginx finishes what it has, for 65 s at most


class Supervisor:
    def __init__(self, stack: Stack):
        self.stack = stack
        self.pid_file = stack.run / "runsvdir.pid"

    # ---- runsvdir ----

    def pid(self) -> int | None:
        """runsvdir's process id while it runs for this stack."""
        try:
            pid = int(self.pid_file.read_text())
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if str(self.stack.service).encode() in words else None

    def start(self) -> None:
        if self.pid() is not None:
            return
        # Services get nothing of the caller's environment but this.
        env = {"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin", "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
        with open(self.stack.dir / "runsvdir.log", "wb") as log:
            started = subprocess.Popen(
                [program("runsvdir"), str(self.stack.service)],
                env=env,
                cwd=self.stack.dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(f"{started.pid}\n")

    def wait_supervised(self, services: list[Service]) -> None:
        for service in services:
            if not wait_until(lambda: self._state(service.name) is not None, SUPERVISE_WAIT_S):
                raise Failure(f"runit does not take up {service.name}: see {self.stack.dir / 'runsvdir.log'}")

    def end(self) -> None:
        """Ends runsvdir and every runsv; the services are down already."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGHUP)
            wait_until(lambda: self.pid() is None, STOP_WAIT_S)
        for name in self.known():  # whose runsvdir was killed
            if self._state(name) is not None:
                self._sv("exit", name)
        if not wait_until(lambda: all(self._state(name) is None for name in self.known()), STOP_WAIT_S):
            raise Failure(f"some services did not end: see sv status {self.stack.service}/*")
        self.pid_file.unlink(missing_ok=True)

    # ---- services ----

    def known(self) -> list[str]:
        return sorted(path.name for path in self.stack.service.glob("*"))

    def group(self, name: str) -> str:
        try:
            return (self.stack.service / name / "group").read_text()
        except FileNotFoundError:
            return "daemons"

    def is_up(self, name: str) -> bool:
        return self._state(name) == "run"

    def process(self, name: str) -> int | None:
        try:
            return int((self.stack.service / name / "supervise" / "pid").read_text())
        except (OSError, ValueError):
            return None

    def up(self, services: list[Service]) -> list[Service]:
        """Starts what is down, restarts or renews what was started from something that has changed. Returns those."""
        commands = {"up": [], "restart": []}
        renewed, noted = [], {}
        for service in services:
            hard, soft = fingerprint(self.stack, service)
            was_hard, _, was_soft = self._started_from(service.name).partition(" ")
            if not self.is_up(service.name):
                commands["up"].append(service)
            elif was_hard != hard:
                commands["restart"].append(service)
            elif service.renew and was_soft != soft:
                service.renew(self.process(service.name))
                renewed.append(service)
            noted[service.name] = f"{hard} {soft}"
        for command, changed in commands.items():
            if changed:
                self._sv(command, *(service.name for service in changed))
        for service in services:
            (self.stack.state / service.name).write_text(noted[service.name])
            (self.stack.service / service.name / "down").unlink(missing_ok=True)
        return [*commands["up"], *commands["restart"], *renewed]

    def _started_from(self, name: str) -> str:
        try:
            return (self.stack.state / name).read_text()
        except FileNotFoundError:
            return ""

    def down(self, names: list[str]) -> None:
        names = [name for name in names if self._state(name) is not None]
        if names and self._sv("down", *names) != 0:
            self._sv("kill", *names)
            self._sv("down", *names)
        for name in names:
            (self.stack.service / name / "down").touch()

    def forget(self, name: str) -> None:
        """Stops a service that is no longer wanted and removes its folder; runsvdir then ends its runsv."""
        self.down([name])
        if self._state(name) is not None:
            self._sv("exit", name)
            wait_until(lambda: self._state(name) is None, STOP_WAIT_S)
        shutil.rmtree(self.stack.service / name)
        (self.stack.state / name).unlink(missing_ok=True)

    def _sv(self, command: str, *names: str) -> int:
        folders = [str(self.stack.service / name) for name in names]
        done = subprocess.run([program("sv"), "-w", str(STOP_WAIT_S), command, *folders], capture_output=True)
        return done.returncode

    def _state(self, name: str) -> str | None:
        """'run', 'down', 'finish'; None when no runsv watches it."""
        folder = self.stack.service / name
        if not folder.exists():
            return None
        done = subprocess.run([program("sv"), "status", str(folder)], capture_output=True, text=True)
        word = done.stdout.split(":")[0]
        return word if word in ("run", "down", "finish") else None
