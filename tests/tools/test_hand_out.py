"""Secrets in containers: each program's own folder, written so that nobody signs with what others do not know yet."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from stacklib import containers, files, programs  # noqa: E402


@pytest.fixture
def stack(tmp_path, monkeypatch):
    stack = containers.ContainerStack()
    stack.sandbox = True
    stack.secrets = tmp_path / "master"
    programs.write_secrets(stack)
    monkeypatch.setattr(containers, "HANDED_OUT", str(tmp_path / "out"))
    for name in ("user", "queue", "payment", "gateway"):
        (tmp_path / "out" / name).mkdir(parents=True)
    return stack


@pytest.fixture
def done(monkeypatch):
    """What was written, in order, and where it was waited."""
    steps = []
    write = files.write
    monkeypatch.setattr(containers.files, "write", lambda path, *rest: (steps.append(path.name), write(path, *rest)))
    monkeypatch.setattr(containers.time, "sleep", lambda seconds: steps.append("wait"))
    return steps


def test_each_program_has_its_own_secrets(stack, done, tmp_path):
    containers.hand_out(stack)
    for folder in (tmp_path / "out").iterdir():
        assert sorted(file.name for file in folder.iterdir()) == containers.secrets_of(stack, folder.name)
        for file in folder.iterdir():
            assert file.read_text() == (stack.secrets / file.name).read_text()
            assert file.stat().st_mode & 0o777 == 0o400
    assert "jwt-keys" not in {file.name for name in ("queue", "payment", "gateway") for file in (tmp_path / "out" / name).iterdir()}


def test_what_is_signed_with_comes_after_what_is_checked_by(stack, done):
    containers.hand_out(stack)
    done.clear()
    containers.hand_out(stack)
    assert done == []
    for name in ("jwt-keys", "jwt-verify-keys"):
        (stack.secrets / name).write_text("k2:new,k1:old")
    containers.hand_out(stack)
    assert done == ["jwt-verify-keys", "jwt-verify-keys", "wait", "jwt-keys"]
