"""Documents that must agree with the code."""
import difflib
import pathlib
import subprocess

from stacklib.settings import CACHE


def python_tools(root: pathlib.Path) -> pathlib.Path:
    """The folder of the pinned tools that scripts/setup test fetched."""
    asked = subprocess.run([root / "scripts/setup", "venv-name"], text=True, capture_output=True, check=True)
    return CACHE / asked.stdout.strip() / "bin"


def complaints_of(command: list) -> list[str]:
    done = subprocess.run(command, text=True, capture_output=True)
    if done.returncode == 0:
        return []
    return (done.stdout + done.stderr).splitlines() or [f"{command[0]} failed"]


def openapi(root: pathlib.Path) -> list[str]:
    path = root / "docs" / "openapi.yaml"
    if not path.exists():
        return ["docs/openapi.yaml is missing"]
    return complaints_of([python_tools(root) / "openapi-spec-validator", path])


def agreement(root: pathlib.Path) -> list[str]:
    """Routes, errors and requirements as the documents tell them, against the code."""
    return complaints_of([python_tools(root) / "python", "-B", root / "scripts" / "check-docs"])


def configuration(root: pathlib.Path) -> list[str]:
    """docs/configuration.md is what boxctl prints from the settings' tables."""
    path = root / "docs" / "configuration.md"
    done = subprocess.run([root / "build" / "boxctl", "config", "--manual"], text=True, capture_output=True)
    if done.returncode != 0:
        return [f"boxctl config --manual failed: {done.stderr.strip()}"]
    there = path.read_text() if path.exists() else ""
    changes = list(difflib.unified_diff(there.splitlines(), done.stdout.splitlines(), "docs/configuration.md",
                                        "boxctl config --manual", lineterm="", n=0))
    return changes and ["docs/configuration.md is not current; make it with: build/boxctl config --manual", *changes[:20]]
