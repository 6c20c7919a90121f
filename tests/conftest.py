"""Where the stack is: addresses from the environment (scripts/stack env), else those of the running test stack."""
import json
import os
import pathlib
import subprocess
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))  # people and tools, for the fault tests too
sys.path.insert(0, str(ROOT / "scripts"))  # stacklib

from mailbox_of_stack import Mailbox  # noqa: E402

COMMAND_TIMEOUT_S = 120


def addresses() -> dict[str, str]:
    if "BOX_GATEWAY_URL" in os.environ:
        return dict(os.environ)
    command = [ROOT / "scripts/stack", "--stack", "test", "env"]
    done = subprocess.run(command, text=True, capture_output=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.fixture(scope="session")
def stack():
    """The addresses, and run(*words) for a command of scripts/stack on this stack."""
    values = addresses()
    folder = ROOT / "var" / values["BOX_STACK"]

    def run(*words: str, env: dict | None = None) -> subprocess.CompletedProcess:
        command = [ROOT / "scripts/stack", "--stack", values["BOX_STACK"], *words]
        # The stack's settings are those it came up with: none of our addresses must pass for one.
        clean = {key: value for key, value in os.environ.items() if not key.startswith("BOX_")}
        settings = {key: str(value) for key, value in json.loads((folder / "state/.settings").read_text()).items()}
        return subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=COMMAND_TIMEOUT_S, env=clean | settings | (env or {}))

    name = values["BOX_STACK"]
    return types.SimpleNamespace(
        name=name,
        dir=folder,
        conf=folder / "conf",
        log=ROOT / "var" / "log" if name == "dev" else ROOT / "var" / name / "log",
        gateway_url=values["BOX_GATEWAY_URL"],
        internal_url=values["BOX_INTERNAL_URL"],
        sandbox_url=values["BOX_SANDBOX_URL"],
        mailbox_url=values["BOX_MAILBOX_URL"],
        run=run,
    )


@pytest.fixture(scope="session")
def base_url(stack):
    return stack.gateway_url


@pytest.fixture(scope="session")
def internal_url(stack):
    return stack.internal_url


@pytest.fixture(scope="session")
def sandbox_url(stack):
    return stack.sandbox_url


@pytest.fixture(scope="session")
def mailbox(stack):
    return Mailbox(stack.mailbox_url)


@pytest.fixture(scope="session")
def boxctl(stack):
    """boxctl(*words) runs the operator's command and gives what it printed."""

    def run(*words: str) -> str:
        done = stack.run("exec", "boxctl", *words)
        assert done.returncode == 0, done.stderr or done.stdout
        return done.stdout

    return run


@pytest.fixture(scope="session")
def query(stack):
    """query(sql) runs one statement as the database's owner and gives its rows as lists of text."""

    def run(sql: str) -> list[list[str]]:
        done = stack.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-c", sql)
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    return run
