"""PostgreSQL and the services of the stack that a load test plays on."""
import signal
import subprocess
import sys

import stage

PSQL = [stage.ROOT / "scripts/stack", "--stack", "test", "psql", "-XAtq", "-F", "\t"]


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def sv(stack, command: str, service: str) -> None:
    """Returns when the service has done it."""
    subprocess.run(["sv", "-w", "120", command, stack.service / service], check=True, stdout=subprocess.DEVNULL)


def query(sql: str) -> list[list[str]]:
    """As the database's owner; ends the program when PostgreSQL refuses."""
    done = subprocess.run([*PSQL, "-v", "ON_ERROR_STOP=1", "-c", sql], text=True, capture_output=True)
    if done.returncode != 0:
        sys.exit(f"load: PostgreSQL refuses: {done.stderr.strip()}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def number(sql: str) -> int:
    return int(query(sql)[0][0])


class Repeated:
    """A statement that runs over and over in a session of its own, for as long as the `with` block lasts."""

    def __init__(self, sql: str, every_s: float):
        self.script = f"\\timing on\n{sql}\n\\watch {every_s}\n"

    def __enter__(self):
        self.process = subprocess.Popen(PSQL, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.process.stdin.write(self.script)
        self.process.stdin.close()
        self.lines = [self.process.stdout.readline() for _ in range(2)]  # it has begun
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.lines += self.process.stdout
        self.process.wait()

    def times_ms(self) -> list[float]:
        return [float(line.split()[1]) for line in self.lines if line.startswith("Time: ")]

    def values(self) -> list[str]:
        """All that it answered."""
        return [line.strip() for line in self.lines if line.strip() and not line.startswith("Time")]
