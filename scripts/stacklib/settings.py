"""Settings of the stack itself, and where everything is.

Each setting is an environment variable. Programs have settings of their own (docs/configuration.md); a BOX_* variable
that is set when the stack comes up and is not one of these is handed on to every program.
"""
import json
import os
import pathlib
import shutil
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "boxoffice"
# What scripts/setup keeps there, under the same names.
POSTGRESQL = CACHE / "postgresql-18.6"
KAFKA = CACHE / "kafka-4.1.1"
NPM = CACHE / "npm-maildev-3.0.0-s3rver-5.0.0"
DOCKER_COMPOSE = CACHE / "docker-compose-2.40.3"
STACKS = ("dev", "test")

S3_BUCKET = "boxoffice"

# The ports of the second stack are those of the first plus this, so that both run side by side.
TEST_PORT_SHIFT = 10000

# A unix socket's path has at most 107 bytes.
SOCKET_PATH_MAX = 107


class Failure(Exception):
    """One sentence for the operator that says what to do."""


@dataclass(frozen=True)
class Setting:
    name: str
    default: object
    help: str
    port: bool = False
    test_default: object = None


SETTINGS = (
    Setting("BOX_LISTEN_ADDRESS", "127.0.0.1", "address of the public listener"),
    Setting("BOX_GATEWAY_PORT", 8080, "public listener of nginx", port=True),
    Setting("BOX_INTERNAL_PORT", 8081, "loopback listener: /internal, /metrics", port=True),
    Setting("BOX_SANDBOX_PORT", 8090, "loopback listener: the stand-ins of PortOne, reCAPTCHA, OAuth", port=True),
    Setting("BOX_KAFKA_PORT", 9092, "Kafka broker, loopback", port=True),
    Setting("BOX_KAFKA_CONTROLLER_PORT", 9093, "Kafka controller, loopback", port=True),
    Setting("BOX_MAILBOX_SMTP_PORT", 1025, "mailbox, loopback: takes all mails, in the place of a mail server", port=True),
    Setting("BOX_MAILBOX_PORT", 8025, "mailbox, loopback: shows them", port=True),
    Setting("BOX_S3_PORT", 4568, "store of posters, loopback, in the place of Amazon S3", port=True),
    Setting("BOX_TRUSTED_PROXIES", "", "addresses or networks of proxies before the public listener, space-separated: the client is "
            "whom they name in X-Forwarded-For"),
    Setting("BOX_CORS_ORIGINS", "http://localhost:3000", "web origins that browsers may call from, space-separated"),
    Setting("BOX_USER_INSTANCES", 2, "pools of user.fcgi"),
    Setting("BOX_USER_PROCESSES", 2, "processes per pool"),
    Setting("BOX_USER_CONNECTIONS", 256, "connections that each of them keeps and serves side by side; 1: one request each"),
    Setting("BOX_LOGIN_INSTANCES", 2, "pools of user.fcgi for what checks passwords"),
    Setting("BOX_LOGIN_PROCESSES", 3, "processes per pool; bcrypt is CPU, and reCAPTCHA is asked before"),
    Setting("BOX_LOGINS_OF_ONE_ADDRESS", 20, "logins a second that one address (IPv6: its /64) may have; more wait up to five "
            "seconds", test_default=100),
    Setting("BOX_OUTSIDE_INSTANCES", 2, "pools of user.fcgi for what waits for PortOne and for social logins"),
    Setting("BOX_OUTSIDE_PROCESSES", 5, "processes per pool; one address takes two thirds of them at most"),
    Setting("BOX_EVENT_INSTANCES", 2, "pools of event.fcgi"),
    Setting("BOX_EVENT_PROCESSES", 2, "processes per pool"),
    Setting("BOX_QUEUE_INSTANCES", 2, "pools of queue.fcgi"),
    Setting("BOX_QUEUE_PROCESSES", 1, "processes per pool; what one serves together is one exchange with Redis"),
    Setting("BOX_QUEUE_CONNECTIONS", 512, "connections that each of them keeps and serves side by side; 1: one request each"),
    Setting("BOX_RESERVATION_INSTANCES", 2, "pools of reservation.fcgi"),
    Setting("BOX_RESERVATION_PROCESSES", 2, "processes per pool"),
    Setting("BOX_RESERVATION_CONNECTIONS", 256, "connections that each of them keeps and serves side by side; 1: one request each"),
    Setting("BOX_PAYMENT_INSTANCES", 2, "pools of payment.fcgi"),
    Setting("BOX_PAYMENT_PROCESSES", 16, "processes per pool; they wait for PortOne"),
    Setting("BOX_GATEWAY_INSTANCES", 2, "pools of gateway.fcgi"),
    Setting("BOX_GATEWAY_PROCESSES", 1, "processes per pool"),
    Setting("BOX_SANDBOX_INSTANCES", 1, "pools of sandbox.fcgi"),
    Setting("BOX_SANDBOX_PROCESSES", 16, "processes per pool; a test may let them hang"),
    Setting("BOX_QUEUE_APPROVER_INSTANCES", 2, "queue-approver processes"),
    Setting("BOX_MAILER_INSTANCES", 1, "mailer processes; each sends one mail at a time"),
    Setting("BOX_PAYMENT_SAGA_INSTANCES", 2, "payment-saga processes; each asks PortOne about one payment at a time"),
    Setting("BOX_MINUTE_JOBS_PERIOD_S", 60, "seconds between runs of the jobs that run each minute, a divisor of 60", test_default=5),
)

SETTING_NAMES = {setting.name for setting in SETTINGS}


def instances_key(program: str) -> str:
    """The setting that says how many there are; a program that has none runs once."""
    return f"BOX_{program.replace('-', '_').upper()}_INSTANCES"


class Stack:
    """One stack: its name, its settings and its folders."""

    sandbox = True  # the stand-ins run, and the programs take them for the providers
    internal_address = "127.0.0.1"  # where nginx listens for the services and for the stand-ins' clients

    def __init__(self, name: str):
        self.name = name
        self.values = {setting.name: _value(setting, name) for setting in SETTINGS}
        self.dir = ROOT / "var" / name
        self.run = self.dir / "run"
        self.pg_run = self.run / "pg"
        self.service = self.dir / "service"
        self.secrets = self.dir / "secrets"
        self.env = self.dir / "env"
        self.conf = self.dir / "conf"
        self.state = self.dir / "state"
        self.log = ROOT / "var" / "log" if name == "dev" else self.dir / "log"
        self.build = ROOT / "build"

    def recorded(self) -> dict:
        """The settings with which the stack came up last; empty when it never did."""
        try:
            return json.loads((self.state / ".settings").read_text())
        except FileNotFoundError:
            return {}

    def recall(self) -> None:
        """Takes those, which need not be those of this command's environment."""
        self.values |= self.recorded()

    def __getitem__(self, name: str):
        return self.values[name]

    def instances(self, program: str) -> int:
        return self.values.get(instances_key(program), 1)

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self['BOX_GATEWAY_PORT']}"

    @property
    def internal_url(self) -> str:
        return f"http://127.0.0.1:{self['BOX_INTERNAL_PORT']}"

    @property
    def public_url(self) -> str:
        """As browsers see the gateway."""
        return self.gateway_url

    @property
    def public_sandbox_url(self) -> str:
        """As browsers see the stand-ins."""
        return self.sandbox_url

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self['BOX_SANDBOX_PORT']}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self['BOX_MAILBOX_PORT']}"

    @property
    def s3_url(self) -> str:
        return f"http://127.0.0.1:{self['BOX_S3_PORT']}/{S3_BUCKET}"

    @property
    def mailbox_smtp_url(self) -> str:
        return f"smtp://127.0.0.1:{self['BOX_MAILBOX_SMTP_PORT']}"

    @property
    def redis_socket(self) -> pathlib.Path:
        return self.run / "redis.sock"

    @property
    def brokers(self) -> str:
        return f"127.0.0.1:{self['BOX_KAFKA_PORT']}"

    def connections(self, service: str) -> int:
        """How many connections a process of the service serves side by side: 1 where handlers wait for others."""
        return self.values.get(f"BOX_{service.upper()}_CONNECTIONS", 1)

    def sockets(self, service: str) -> list[str]:
        """Names of the pools of one service."""
        count = self[f"BOX_{service.upper()}_INSTANCES"]
        return [f"{service}-{number}" for number in range(1, count + 1)]

    def db_url(self, role: str) -> str:
        user = f"{role}@" if role else ""
        return f"postgresql://{user}/boxoffice?host={self.pg_run}"

    def redis_url(self, database: int = 0) -> str:
        return f"unix://{self.redis_socket}/{database}" if database else f"unix://{self.redis_socket}"


def _value(setting: Setting, stack: str):
    default = setting.default
    if stack == "test":
        default = setting.test_default or (default + TEST_PORT_SHIFT if setting.port else default)
    text = os.environ.get(setting.name)
    if text is None:
        return default
    if not isinstance(default, int):
        return text
    limit = 65535 if setting.port else 1000
    if not text.isdigit() or not 1 <= int(text) <= limit:
        raise Failure(f"{setting.name} must be a number from 1 to {limit}, not '{text}'")
    return int(text)


def extra_settings() -> dict[str, str]:
    """BOX_* variables of the caller that are meant for the programs."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("BOX_") and name not in SETTING_NAMES and "\n" not in value
    }


def postgresql_bin() -> pathlib.Path:
    for folder in (pathlib.Path("/usr/lib/postgresql/18/bin"), POSTGRESQL / "bin"):
        if (folder / "postgres").exists():
            return folder
    raise Failure("PostgreSQL 18 is not there: run scripts/setup")


def program(name: str) -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        raise Failure(f"'{name}' is not installed: run scripts/setup")
    return path
