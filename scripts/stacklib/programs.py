"""Our own programs: what each one may know. A program's environment holds nothing else."""
import fcntl
import os
import pathlib
import re
import secrets
import subprocess
import uuid
from dataclasses import dataclass

from stacklib import files
from stacklib.settings import ROOT, S3_BUCKET, Stack, extra_settings

ROLES = ("user_service", "event_service", "reservation_service", "payment_service", "outbox_relay", "gateway",
         "user_admin", "mailer", "maintenance", "key_keeper")
# What the stand-ins remember is no part of boxoffice's own state.
SANDBOX_DATABASE = 15

# Services that call /internal, each with a key of its own.
CALLERS = ("user", "event", "queue", "reservation", "payment")


@dataclass(frozen=True)
class Program:
    binary: str
    source: str  # when this file is not there, there is no such program yet
    role: str | None = None  # of the database
    needs: frozenset = frozenset()
    responder: bool = False
    yields: bool = False  # its work can wait for others that are in the middle of something


def _responder(source: str, role: str | None, *needs: str, yields: bool = False) -> Program:
    return Program(f"{source}.fcgi", f"cgi-bin/{source}/main.c", role, frozenset(needs), responder=True, yields=yields)


def _daemon(name: str, role: str | None, *needs: str) -> Program:
    return Program(name, f"src/daemons/{name}.c", role, frozenset(needs))


JOB_BINARY = "boxoffice-maint"


def _job(role: str, *needs: str) -> Program:
    return Program(JOB_BINARY, "src/maint/main.c", role, frozenset(needs))


ACCOUNTS = ("redis", "sign", "pii", "blind", "portone", "recaptcha", "call", "social")

PROGRAMS = {
    "user": _responder("user", "user_service", *ACCOUNTS),
    # The same program for the routes that check passwords, which takes all the processor time that it gets, and for those
    # that wait for PortOne or a social login's provider.
    "login": _responder("user", "user_service", *ACCOUNTS, yields=True),
    "outside": _responder("user", "user_service", *ACCOUNTS, yields=True),
    "event": _responder("event", "event_service", "redis", "jwt", "serve", "call", "s3"),
    "queue": _responder("queue", None, "redis", "jwt", "call", "line"),
    "reservation": _responder("reservation", "reservation_service", "redis", "jwt", "call", "serve", "ticket"),
    "payment": _responder("payment", "payment_service", "redis", "jwt", "call", "serve", "portone", "webhook"),
    "gateway": _responder("gateway", "gateway", "redis", "kafka", "internal", "jwks"),
    "sandbox": _responder("sandbox", None, "sandbox"),
    "queue-approver": _daemon("queue-approver", None, "redis", "call", "line"),
    "outbox-relay": _daemon("outbox-relay", "outbox_relay", "kafka"),
    "mailer": _daemon("mailer", "mailer", "pii", "smtp"),
    "reservation-saga": _daemon("reservation-saga", "reservation_service", "redis", "kafka", "call"),
    "event-saga": _daemon("event-saga", "event_service", "redis", "kafka"),
    "payment-saga": _daemon("payment-saga", "payment_service", "kafka", "call", "portone"),
    "maint-expire-holds": _job("reservation_service", "redis"),
    "maint-purge": _job("maintenance"),
    "maint-accounts": _job("maintenance", "redis", "pii"),
    "maint-revocations": _job("maintenance", "redis"),
    "maint-reconcile": _job("event_service", "redis", "call"),
    "boxctl": Program("boxctl", "src/boxctl/main.c", "boxoffice_admin", frozenset({"redis", "kafka", "blind", "boxctl"})),
}


# Jobs of boxoffice-maint begin like this; in one container they are one program.
JOB = "maint-"


def parts(name: str) -> list[str]:
    """The programs of a container."""
    return [one for one in PROGRAMS if one.startswith(JOB)] if name == "maint" else [name]


def present(name: str) -> bool:
    return (ROOT / PROGRAMS[name].source).exists()


def caller_of(name: str) -> str:
    """The service under whose key it calls: queue-approver as queue, a job as the one whose role it has."""
    program = PROGRAMS[name]
    if name.startswith(JOB):
        return program.role.removesuffix("_service")
    return program.source.split("/")[1] if program.responder else name.split("-")[0]


# ---- secrets ----


def write_secrets(stack: Stack) -> None:
    """Makes what is missing; what is there stays for as long as the stack's data."""
    stack.secrets.mkdir(mode=0o700, exist_ok=True)
    folder = os.open(stack.secrets, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)  # boxctl keys changes them under this lock
        _write_secrets(stack)
    finally:
        os.close(folder)


def _write_secrets(stack: Stack) -> None:
    for role in (*ROLES, "boxoffice_admin"):
        _secret(stack, f"db-{role}", secrets.token_hex(24))
    _secret(stack, "jwt-keys", f"k1:{secrets.token_hex(32)}")
    # Who verifies tokens gets a ring of its own, in which ES256 keys are public ones: boxctl keys keeps all three.
    _secret(stack, "jwt-verify-keys", (stack.secrets / "jwt-keys").read_text())
    _secret(stack, "jwt-public-keys", "")
    _secret(stack, "pii-keys", f"1:{secrets.token_hex(32)}")
    _secret(stack, "blind-key", secrets.token_hex(32))
    _secret(stack, "ticket-key", secrets.token_hex(32))
    _secret(stack, "queue-key", secrets.token_hex(32))
    for caller in CALLERS:
        _secret(stack, f"service-key-{caller}", str(uuid.uuid4()))
    accepted = ",".join(f"{caller}:{key}" for caller in CALLERS for key in _service_keys(stack, caller))
    files.write(stack.secrets / "service-keys", accepted, 0o600)


def _service_keys(stack: Stack, caller: str) -> list[str]:
    """All that the caller shows, now or from some time on: uuid@time,uuid."""
    text = (stack.secrets / f"service-key-{caller}").read_text().strip()
    return [entry.partition("@")[0] for entry in text.split(",")]


def _secret(stack: Stack, name: str, value: str) -> None:
    path = stack.secrets / name
    if not path.exists():
        files.write(path, value, 0o600)


# ---- environments ----


def _stand_ins(stack: Stack) -> dict[str, dict[str, str]]:
    return {
        "portone": {"BOX_PORTONE_URL": stack.sandbox_url},
        "webhook": {},
        "recaptcha": {"BOX_RECAPTCHA_URL": f"{stack.sandbox_url}/recaptcha/api/siteverify"},
        "smtp": {"BOX_SMTP_URL": stack.mailbox_smtp_url, "BOX_SMTP_TLS": "0", "BOX_MAIL_FROM": "no-reply@boxoffice.example"},
        "social": _social_stand_ins(stack),
        "s3": _s3_stand_in(stack),
    }


SOCIAL = ("kakao", "naver", "google")


def _social_stand_ins(stack: Stack) -> dict[str, str]:
    """Browsers are sent to the first kind of address, the programs call the second."""
    clients = {f"BOX_{provider.upper()}_CLIENT_ID": "sandbox-client" for provider in SOCIAL}
    keys = {f"BOX_{provider.upper()}_CLIENT_SECRET": "sandbox-client-secret" for provider in SOCIAL}
    asked, called = stack.public_sandbox_url, stack.sandbox_url
    return clients | keys | {
        "BOX_PUBLIC_URL": stack.public_url,
        "BOX_KAKAO_URL": f"{asked}/kauth", "BOX_KAKAO_TOKEN_URL": f"{called}/kauth",
        "BOX_NAVER_URL": f"{asked}/nid", "BOX_NAVER_TOKEN_URL": f"{called}/nid",
        "BOX_NAVER_API_URL": f"{called}/openapi-naver",
        "BOX_GOOGLE_URL": f"{asked}/google", "BOX_GOOGLE_TOKEN_URL": f"{called}/google",
        "BOX_GOOGLE_KEYS_URL": f"{called}/google",
    }


# The only key that s3rver knows.
S3_KEY = "S3RVER"


def _s3_stand_in(stack: Stack) -> dict[str, str]:
    if stack.s3_url is None:
        return {}
    return {"BOX_S3_URL": stack.s3_url, "BOX_S3_BUCKET": S3_BUCKET, "BOX_S3_ACCESS_KEY": S3_KEY, "BOX_S3_SECRET_KEY": S3_KEY}


def _providers(stack: Stack) -> dict[str, dict[str, str]]:
    """What an operator has from the providers; the names of the store and its channel, of the mail
    server and the sender are further settings."""
    return {
        "portone": {
            "BOX_PORTONE_URL": "https://api.portone.io",
            "BOX_PORTONE_SECRET_FILE": str(stack.secrets / "portone-secret"),
        },
        "webhook": {"BOX_PORTONE_WEBHOOK_SECRET_FILE": str(stack.secrets / "portone-webhook-secret")},
        "recaptcha": {
            "BOX_RECAPTCHA_URL": "https://www.google.com/recaptcha/api/siteverify",
            "BOX_RECAPTCHA_SECRET_FILE": str(stack.secrets / "recaptcha-secret"),
        },
        "smtp": {"BOX_SMTP_PASSWORD_FILE": str(stack.secrets / "smtp-password")},
        # Whoever has no store has no posters of its own.
        "s3": _if_there(stack, "BOX_S3_SECRET_KEY", "s3-secret-key"),
        # Whoever has no such client has no such login.
        "social": {key: path for provider in SOCIAL for key, path in
                   _if_there(stack, f"BOX_{provider.upper()}_CLIENT_SECRET", f"{provider}-client-secret").items()},
    }


def _if_there(stack: Stack, setting: str, secret: str) -> dict[str, str]:
    path = stack.secrets / secret
    return {f"{setting}_FILE": str(path)} if path.exists() else {}


# GnuTLS comes with libcurl's other protocols, and nothing of ours uses it: made ready all the same, its tables would take 130 KB
# of every process.
LIBRARIES = {"GNUTLS_NO_IMPLICIT_INIT": "1"}


def environment(stack: Stack, name: str) -> dict[str, str]:
    program = PROGRAMS[name]
    values = LIBRARIES | {"BOX_SANDBOX": str(int(stack.sandbox)), "BOX_RUN_DIR": str(stack.run)}
    if program.role:
        values["BOX_DB_URL"] = stack.db_url(program.role)
        values["BOX_DB_PASSWORD_FILE"] = str(stack.secrets / f"db-{program.role}")
    parts = {
        "redis": {"BOX_REDIS_URL": stack.redis_url()},
        "ticket": {"BOX_TICKET_KEY_FILE": str(stack.secrets / "ticket-key")},
        "line": {"BOX_QUEUE_KEY_FILE": str(stack.secrets / "queue-key")},
        "kafka": {"BOX_KAFKA_BROKERS": stack.brokers},
        "sign": {"BOX_JWT_KEYS_FILE": str(stack.secrets / "jwt-keys")},
        "jwt": {"BOX_JWT_KEYS_FILE": str(stack.secrets / "jwt-verify-keys")},
        "jwks": {"BOX_JWT_PUBLIC_KEYS_FILE": str(stack.secrets / "jwt-public-keys")},
        "pii": {"BOX_PII_KEYS_FILE": str(stack.secrets / "pii-keys")},
        "blind": {"BOX_BLIND_KEY_FILE": str(stack.secrets / "blind-key")},
        "serve": {"BOX_SERVICE_KEYS_FILE": str(stack.secrets / "service-keys")},
        "internal": {"BOX_INTERNAL_URL": stack.internal_url},
        "call": {
            "BOX_INTERNAL_URL": stack.internal_url,
            "BOX_SERVICE_KEY_FILE": str(stack.secrets / f"service-key-{caller_of(name)}"),
        },
        **(_stand_ins(stack) if stack.sandbox else _providers(stack)),
        "sandbox": {
            "BOX_REDIS_URL": stack.redis_url(SANDBOX_DATABASE),
            "BOX_SANDBOX_REDIS_URL": stack.redis_url(SANDBOX_DATABASE),
            "BOX_SANDBOX_URL": stack.sandbox_url,
            "BOX_SANDBOX_WEBHOOK_URL": f"{stack.gateway_url}/payments/webhook",
        },
        "boxctl": {
            "BOX_SECRETS_DIR": str(stack.secrets),
            "BOX_SQL_DIR": str(ROOT / "sql"),
            "BOX_GATEWAY_URL": stack.gateway_url,
        },
    }
    for need in program.needs:
        values.update(parts[need])
    if program.responder and stack.connections(name) > 1:
        # Renewed more seldom: it takes seconds to let go of connections that are in use. Who polls brings one token again
        # for minutes, others a few times.
        values |= {
            "BOX_CONNECTIONS": str(stack.connections(name)),
            "BOX_MAX_REQUESTS": "1000000",
            "BOX_TOKEN_CACHE": "65536" if name == "queue" else "8192",
        }
    return values | _asked_for(stack, name, extra_settings())


def _asked_for(stack: Stack, name: str, settings: dict[str, str]) -> dict[str, str]:
    """Those that the program reads, as it says itself; the operator's own program is told everything."""
    if not settings or name == "boxctl":
        return settings
    binary = stack.build / PROGRAMS[name].binary
    if not binary.exists():
        return {}
    words = [name.removeprefix(JOB)] if name.startswith(JOB) else []
    told = subprocess.run([binary, *words, "--help"], text=True, capture_output=True, check=True).stdout
    keys = set(re.findall(r"^  (BOX_\w+)", told, re.M))
    return {key: value for key, value in settings.items() if key in keys or key.removesuffix("_FILE") in keys}


def write_environments(stack: Stack) -> None:
    """One folder per program, one file per variable, as chpst -e reads them."""
    stack.env.mkdir(mode=0o700, exist_ok=True)
    for name in PROGRAMS:
        write_environment(stack.env / name, environment(stack, name))


def write_environment(folder: pathlib.Path, values: dict[str, str]) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.name not in values:
            file.unlink()
    for key, value in values.items():
        files.write(folder / key, value + "\n", 0o600)
