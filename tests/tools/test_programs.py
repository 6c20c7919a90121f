"""Each program starts with the environment that the stack gives it, and with no secret that is not its own: also without
the sandbox, where nothing has a default."""
import base64
import os
import pathlib
import secrets
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from stacklib import files, programs  # noqa: E402
from stacklib.settings import Stack  # noqa: E402

PROVIDERS = {
    "portone-secret": secrets.token_hex(32),
    "portone-webhook-secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "recaptcha-secret": secrets.token_hex(20),
}


@pytest.fixture
def selling(tmp_path):
    """A stack without the sandbox."""
    stack = Stack("test")
    stack.sandbox = False
    stack.secrets = tmp_path / "secrets"
    stack.run = tmp_path
    programs.write_secrets(stack)
    for name, value in PROVIDERS.items():
        files.write(stack.secrets / name, value, 0o600)
    return stack


@pytest.mark.parametrize("name", [name for name in programs.PROGRAMS if name not in ("sandbox", "boxctl")])
def test_program_starts_without_the_sandbox(selling, name):
    binary = ROOT / "build" / programs.PROGRAMS[name].binary
    words = ["expire-holds"] if name == "maint" else []
    env = {"PATH": os.environ["PATH"], **programs.environment(selling, name),
           "BOX_PORTONE_STORE": "store-1", "BOX_PORTONE_CHANNEL": "channel-key-1", "BOX_RECAPTCHA_HOSTNAMES": "example.com"}
    done = subprocess.run([binary, *words, "--dump-config"], env=env, text=True, capture_output=True, timeout=20)
    assert done.returncode == 0, done.stderr
    for value in PROVIDERS.values():
        assert value not in done.stdout
