"""Documents that must agree with the code."""
import difflib
import pathlib
import re
import subprocess

from stacklib.settings import CACHE

NAMED_TEST = re.compile(r"`(tests/[\w./-]+)::(\w+)`")


def openapi(root: pathlib.Path) -> list[str]:
    path = root / "docs" / "openapi.yaml"
    if not path.exists():
        return ["docs/openapi.yaml is missing"]
    name = subprocess.run([root / "scripts/setup", "venv-name"], text=True, capture_output=True, check=True).stdout.strip()
    done = subprocess.run([CACHE / name / "bin" / "openapi-spec-validator", path], text=True, capture_output=True)
    return [] if done.returncode == 0 else (done.stdout + done.stderr).splitlines()


def requirements(root: pathlib.Path) -> list[str]:
    """Every test that docs/requirements.md names must be there."""
    path = root / "docs" / "requirements.md"
    if not path.exists():
        return ["docs/requirements.md is missing"]
    complaints = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for file, name in NAMED_TEST.findall(line):
            if not (root / file).exists():
                complaints.append(f"docs/requirements.md:{number}: there is no {file}")
            elif not re.search(rf"\b{name}\b", (root / file).read_text()):
                complaints.append(f"docs/requirements.md:{number}: {file} has no {name}")
    return complaints


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
