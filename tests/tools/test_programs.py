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
    "smtp-password": secrets.token_hex(20),
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


NAMES = [name for name in programs.PROGRAMS if name not in ("sandbox", "boxctl")]
# What an operator sets for all; the rest of what a program is told the stack knows by itself.
SETTINGS = {"BOX_PORTONE_STORE": "store-1", "BOX_PORTONE_CHANNEL": "channel-key-1", "BOX_RECAPTCHA_HOSTNAMES": "example.com",
            "BOX_SMTP_URL": "smtp://mail.example.com:587", "BOX_MAIL_FROM": "no-reply@example.com",
            "BOX_REDIS_PASSWORD": secrets.token_hex(32), "BOX_KAFKA_PASSWORD": secrets.token_hex(32),
            "BOX_LOG_LEVEL": "warn"}
# No secret; it comes as a file all the same, so that it changes with the keys.
PUBLIC = "BOX_JWT_PUBLIC_KEYS"
OPTIONAL = {"BOX_REDIS_PASSWORD", "BOX_KAFKA_PASSWORD"}


def dump(name: str, env: dict[str, str]) -> subprocess.CompletedProcess:
    binary = ROOT / "build" / programs.PROGRAMS[name].binary
    words = [name.removeprefix("maint-")] if name.startswith("maint-") else []
    return subprocess.run([binary, *words, "--dump-config"], env={"PATH": os.environ["PATH"]} | env, text=True,
                          capture_output=True, timeout=20)


def dumped(name: str, env: dict[str, str]) -> dict[str, str]:
    done = dump(name, env)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("BOX_"))


@pytest.fixture
def operator(monkeypatch):
    for name in [name for name in os.environ if name.startswith("BOX_")]:
        monkeypatch.delenv(name)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)


def known_secrets(stack) -> list[str]:
    return [path.read_text() for path in stack.secrets.iterdir() if path.name != "jwt-public-keys"] + [SETTINGS[name] for name in OPTIONAL]


@pytest.mark.parametrize("name", NAMES)
def test_program_starts_without_the_sandbox_with_its_own_keys_and_no_others(operator, selling, name):
    env = programs.environment(selling, name)
    shown = dumped(name, env)
    told = {key.removesuffix("_FILE") for key in env.keys() - programs.LIBRARIES.keys()}
    assert told <= set(shown), "told what it does not ask for"
    secret = {key for key, value in shown.items() if value == "(secret)"}
    assert {key for key in told if f"{key}_FILE" in env} - {PUBLIC} | (OPTIONAL & told) == secret
    assert env["BOX_LOG_LEVEL"] == "warn"
    done = dump(name, env)
    assert not [value for value in known_secrets(selling) if value in done.stdout + done.stderr]


@pytest.mark.parametrize("name", NAMES)
def test_program_without_one_of_its_keys_does_not_start(operator, selling, name):
    env = programs.environment(selling, name)
    for key in env:
        if key.endswith("_FILE") and key != f"{PUBLIC}_FILE":
            assert dump(name, {other: value for other, value in env.items() if other != key}).returncode == 1, key


@pytest.mark.parametrize("name,never", [
    ("user", "BOX_PORTONE_WEBHOOK_SECRET_FILE"), ("payment-saga", "BOX_PORTONE_WEBHOOK_SECRET_FILE"),
    ("boxctl", "BOX_PII_KEYS_FILE"), ("gateway", "BOX_JWT_KEYS_FILE"), ("payment", "BOX_REDIS_CA"), ("outbox-relay", "BOX_REDIS_PASSWORD"),
    ("mailer", "BOX_BLIND_KEY_FILE"), ("mailer", "BOX_REDIS_URL"), ("user", "BOX_SMTP_PASSWORD_FILE"),
    ("sandbox", "BOX_KAFKA_PASSWORD"), ("queue", "BOX_KAFKA_PASSWORD"),
])
def test_program_is_not_told(operator, selling, name, never):
    assert never not in programs.environment(selling, name)


def test_social_login_is_on_when_the_operator_has_a_client(operator, selling, monkeypatch):
    shown = dumped("user", programs.environment(selling, "user"))
    assert shown["BOX_GOOGLE_CLIENT_ID"] == ""
    value = secrets.token_hex(16)
    files.write(selling.secrets / "google-client-secret", value, 0o600)
    assert dump("user", programs.environment(selling, "user")).returncode == 0
    monkeypatch.setenv("BOX_GOOGLE_CLIENT_ID", "1234.apps.googleusercontent.com")
    monkeypatch.setenv("BOX_PUBLIC_URL", "https://tickets.example")
    for name in ("user", "login", "outside"):
        env = programs.environment(selling, name)
        shown = dumped(name, env)
        assert shown["BOX_GOOGLE_CLIENT_ID"] == "1234.apps.googleusercontent.com" and shown["BOX_KAKAO_CLIENT_ID"] == ""
        assert shown["BOX_GOOGLE_CLIENT_SECRET"] == "(secret)" and value not in str(shown)
    assert "BOX_GOOGLE_CLIENT_SECRET_FILE" not in programs.environment(selling, "payment")
