"""docker-compose.yml and compose.small.env, made from the tables of the local stack and of what each container runs."""
import re

from stacklib import programs, services, stores
from stacklib.containers import (
    DATABASE_SECRET, HANDED_OUT, OPERATOR, OWN_SOCKET, RUN, SECRETS, USER, ContainerStack, secrets_of)
from stacklib.settings import SETTING_NAMES, SETTINGS, instances_key

# Memory in MiB: by default, and for a small machine. What it must hold: tests/tools/test_compose_memory.py.
MEMORY = {
    "postgres": (768, 192),
    "redis": (1280, 96),
    "kafka": (768, 368),
    "gateway": (288, 128),
    "user.fcgi": (128, 32),
    "login.fcgi": (128, 32),
    "outside.fcgi": (192, 32),
    "event.fcgi": (256, 32),
    "queue.fcgi": (96, 24),
    "reservation.fcgi": (448, 64),
    "payment.fcgi": (256, 32),
    "gateway.fcgi": (64, 24),
    "sandbox.fcgi": (256, 48),
    "mailbox": (256, 144),
    "queue-approver": (48, 16),
    "outbox-relay": (64, 24),
    "mailer": (64, 24),
    "reservation-saga": (64, 24),
    "event-saga": (64, 24),
    "payment-saga": (64, 24),
    "maint": (48, 24),
}
# Of the gateway's memory: bodies on their way and copies. nginx looks every ten seconds whether its copies are more than
# their max_size: what comes in between needs room too.
GATEWAY_FILES_MIB = (160, 64)
REDIS_DATA_MIB = (1024, 64)
KAFKA_HEAP_MIB = (384, 192)
SHARED_BUFFERS_MIB = (128, 48)

# What the small machine sets of the stack's own settings.
SMALL = {
    "BOX_USER_PROCESSES": 1, "BOX_LOGIN_PROCESSES": 2, "BOX_OUTSIDE_PROCESSES": 4,
    "BOX_EVENT_PROCESSES": 1, "BOX_QUEUE_PROCESSES": 1, "BOX_RESERVATION_PROCESSES": 1,
    "BOX_PAYMENT_PROCESSES": 2, "BOX_SANDBOX_PROCESSES": 4,
    "BOX_USER_INSTANCES": 1, "BOX_LOGIN_INSTANCES": 1, "BOX_OUTSIDE_INSTANCES": 1,
    "BOX_EVENT_INSTANCES": 1, "BOX_QUEUE_INSTANCES": 1, "BOX_RESERVATION_INSTANCES": 1,
    "BOX_PAYMENT_INSTANCES": 1, "BOX_GATEWAY_INSTANCES": 1, "BOX_QUEUE_APPROVER_INSTANCES": 1,
    "BOX_PAYMENT_SAGA_INSTANCES": 1,
}


# ---- docker-compose.yml ----


class Raw(str):
    """Stands in the file as it is."""


def variable(name: str, default: object) -> str:
    return f"${{{name}:-{default}}}"


def setting(name: str) -> str:
    """A setting of the stack, as one of compose's variables."""
    return variable(name, next(item.default for item in SETTINGS if item.name == name))


def memory_name(name: str) -> str:
    return "BOX_MEMORY_" + re.sub(r"\W", "_", name.removesuffix(".fcgi") if name != "gateway.fcgi" else name).upper()


def memory(name: str) -> str:
    return variable(memory_name(name), f"{MEMORY[name][0]}m")


PREPARED = {"prepare": {"condition": "service_completed_successfully"}}


def compose() -> dict:
    responders = [name for name, details in programs.PROGRAMS.items() if details.responder]
    daemons = [name for name, details in programs.PROGRAMS.items() if details.source.startswith("src/daemons/")]
    wanted = {
        "secrets": _secrets_service(),
        **_stores(),
        "prepare": _ours("prepare", secrets="master", depends_on=_when("service_healthy", *STORES)) | {
            "restart": "no", "mem_limit": "128m"},
        **{_service(name): _pool(name) for name in responders},
        **{name: _daemon(name) for name in daemons},
        # runit starts the jobs from scripts that it finds there.
        "mailbox": _mailbox(),
        "maint": _daemon("maint") | {"tmpfs": ["/tmp:mode=1777,size=64m,exec"], "environment": {
            "BOX_SANDBOX": variable("BOX_SANDBOX", 0),
            "BOX_MINUTE_JOBS_PERIOD_S": setting("BOX_MINUTE_JOBS_PERIOD_S")}},
        "gateway": _gateway([name for name in responders if name != "sandbox"]),
        "boxctl": _ours("boxctl") | {
            # boxctl keys changes secrets and hands them out.
            "volumes": [f"run:{RUN}", f"secrets-master:{SECRETS}", *_handed_out()],
            "profiles": ["tools"], "entrypoint": ["scripts/container", "boxctl"], "restart": "no", "mem_limit": "128m"},
    }
    del wanted["boxctl"]["command"]
    secrets = ["master", "postgres", *with_secrets()]
    return {
        "name": "boxoffice",
        "x-ours": Anchored("ours", {
            "image": "boxoffice",
            "pull_policy": "never",
            "init": True,
            "user": f"{USER}:{USER}",
            "read_only": True,
            "tmpfs": ["/tmp:mode=1777,size=64m"],
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "networks": ["stores", "default"],
            "env_file": [{"path": "programs.env", "required": False}],
            "environment": {"BOX_SANDBOX": variable("BOX_SANDBOX", 0)},
            "restart": "unless-stopped",
            "stop_grace_period": "70s",
            "logging": _logging(),
        }),
        "services": wanted,
        "networks": {"stores": {"internal": True}},
        "volumes": {
            "postgres": {}, "redis": {}, "kafka": {},
            "run": {"driver_opts": {
                "type": "tmpfs", "device": "tmpfs", "o": f"uid={USER},gid={USER},mode=0770,size=64m"}},
            **{f"secrets-{name}": {} for name in secrets},
        },
    }


class Anchored:
    def __init__(self, name: str, value: dict):
        self.name, self.value = name, value


STORES = ("postgres", "redis", "kafka")


def _logging() -> dict:
    return {"driver": "json-file", "options": {"max-size": "10m", "max-file": "10"}}


def _service(responder: str) -> str:
    """The name gateway is that of nginx, which others call."""
    return "gateway-fcgi" if responder == "gateway" else responder


def _when(condition: str, *names: str) -> dict:
    return {name: {"condition": condition} for name in names}


def with_secrets() -> list[str]:
    """Programs that have secrets of their own; boxctl sees all of them."""
    names = (*(name for name in programs.PROGRAMS if name != "boxctl" and not name.startswith(programs.JOB)), "maint")
    return [name for name in names if _secrets_anyway(name)]


def _secrets_anyway(name: str) -> list[str]:
    stack = ContainerStack()
    stack.sandbox = False
    return secrets_of(stack, name)


def _ours(name: str, secrets: str | None = None, depends_on: dict = PREPARED) -> dict:
    volumes = [f"run:{RUN}"]
    if secrets:
        volumes.append(f"secrets-{secrets}:{SECRETS}:ro")
    return {"<<": Raw("*ours"), "command": [name], "volumes": volumes, "depends_on": depends_on}


def _handed_out() -> list[str]:
    return [f"secrets-{name}:{HANDED_OUT}/{name}" for name in with_secrets()]


def _secrets_service() -> dict:
    out = [f"secrets-postgres:{HANDED_OUT}/postgres", *_handed_out()]
    operator = variable("BOX_PROVIDER_SECRETS", "./var/secrets")
    service = _ours("secrets", depends_on={}) | {
        # The first to run builds the image for all.
        "build": {"context": ".", "args": {"BASE_IMAGE": variable("BASE_IMAGE", "debian:bookworm-slim")}},
        "volumes": [f"secrets-master:{SECRETS}", *out, f"{operator}:{OPERATOR}:ro"],
        "networks": ["stores"], "restart": "no", "mem_limit": "64m"}
    del service["depends_on"]
    return service


CPU_SHARES = 1024  # of a container that is given no other number


def _pool(name: str) -> dict:
    processes, instances = f"BOX_{name.upper()}_PROCESSES", f"BOX_{name.upper()}_INSTANCES"
    ask = f"REQUEST_METHOD=GET DOCUMENT_URI=/internal/health cgi-fcgi -bind -connect {OWN_SOCKET} | grep -q ."
    service = _ours(name, secrets=name if name in with_secrets() else None) | {
        "environment": {"BOX_SANDBOX": variable("BOX_SANDBOX", 0), processes: setting(processes)},
        "mem_limit": memory(f"{name}.fcgi"),
        "deploy": {"replicas": Raw(setting(instances))},
        "healthcheck": _healthcheck(["CMD-SHELL", ask]),
    }
    if programs.PROGRAMS[name].yields:
        service["cpu_shares"] = CPU_SHARES // 30
    if "social" in programs.PROGRAMS[name].needs:
        # Where browsers are sent and come back to, as they see it.
        service["environment"] |= {port: setting(port) for port in ("BOX_GATEWAY_PORT", "BOX_SANDBOX_PORT")}
    if name == "sandbox":
        service["environment"]["BOX_SANDBOX_URL"] = f"http://127.0.0.1:{setting('BOX_SANDBOX_PORT')}"
        service["profiles"] = ["sandbox"]
    return service


def _daemon(name: str) -> dict:
    """Without a health check: a daemon that hangs ends itself by its watchdog and is started anew."""
    service = _ours(name, secrets=name if name in with_secrets() else None) | {"mem_limit": memory(name)}
    key = instances_key(name)
    if key in SETTING_NAMES:
        service["deploy"] = {"replicas": Raw(setting(key))}
    return service


def _mailbox() -> dict:
    """Beside the sandbox, in the place of a mail server; it forgets all when it ends."""
    default = {item.name: item.default for item in SETTINGS}
    page = f"127.0.0.1:{setting('BOX_MAILBOX_PORT')}:{default['BOX_MAILBOX_PORT']}"
    return {
        "image": "maildev/maildev:3.0.0",
        "profiles": ["sandbox"],
        "init": True,
        "user": f"{USER}:{USER}",
        "read_only": True,
        "tmpfs": ["/tmp:mode=1777,size=64m"],
        "environment": {
            "MAILDEV_IP": "0.0.0.0", "MAILDEV_SMTP_PORT": str(default["BOX_MAILBOX_SMTP_PORT"]),
            "MAILDEV_WEB_IP": "0.0.0.0", "MAILDEV_WEB_PORT": str(default["BOX_MAILBOX_PORT"]),
            "MAILDEV_MAX_EMAILS": str(services.MAILS_KEPT), "NODE_OPTIONS": "--max-old-space-size=64"},
        "ports": [page],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "networks": ["stores", "default"],
        "restart": "unless-stopped",
        "mem_limit": memory("mailbox"),
        "logging": _logging(),
    }


def _gateway(responders: list[str]) -> dict:
    default = {item.name: item.default for item in SETTINGS}
    listen = setting("BOX_LISTEN_ADDRESS")
    ports = [f"{listen}:{setting('BOX_GATEWAY_PORT')}:{default['BOX_GATEWAY_PORT']}"]
    ports += [f"127.0.0.1:{setting(name)}:{default[name]}" for name in ("BOX_INTERNAL_PORT", "BOX_SANDBOX_PORT")]
    ask = (f"exec 3<>/dev/tcp/127.0.0.1/{default['BOX_GATEWAY_PORT']}; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; "
           "read -r line <&3; [[ $$line == *' 200'* ]]")
    return _ours("nginx", depends_on=_when("service_healthy", *(_service(name) for name in responders))) | {
        "environment": {"BOX_SANDBOX": variable("BOX_SANDBOX", 0),
                        **{name: setting(name) for name in ("BOX_CORS_ORIGINS", "BOX_TRUSTED_PROXIES", "BOX_LOGINS_OF_ONE_ADDRESS")}},
        "ports": ports,
        "tmpfs": [f"/tmp:mode=1777,size={variable('BOX_GATEWAY_FILES', f'{GATEWAY_FILES_MIB[0]}m')}"],
        "mem_limit": memory("gateway"),
        "healthcheck": _healthcheck(["CMD", "bash", "-c", ask]),
    }


def _healthcheck(test: list[str], start_s: int = 60) -> dict:
    return {"test": test, "interval": "5s", "timeout": "5s", "retries": 6, "start_period": f"{start_s}s"}


def _stores() -> dict:
    common = {"networks": ["stores"], "restart": "unless-stopped", "cap_drop": ["ALL"],
              "security_opt": ["no-new-privileges:true"], "stop_grace_period": "60s", "logging": _logging()}
    buffers = variable("BOX_POSTGRES_SHARED_BUFFERS", f"{SHARED_BUFFERS_MIB[0]}MB")
    configuration = stores.postgres_settings() | {"shared_buffers": buffers}
    redis = stores.redis_settings() | {
        "maxmemory": variable("BOX_REDIS_MAXMEMORY", f"{REDIS_DATA_MIB[0]}mb"), "dir": "/data", "protected-mode": "no"}
    heap = variable("BOX_KAFKA_HEAP", f"{KAFKA_HEAP_MIB[0]}m")
    options = [word for word in stores.KAFKA_JAVA if not word.startswith("-Xm")]
    return {
        "postgres": {
            "image": "postgres:18",
            "user": "postgres",
            "read_only": True,
            "init": True,
            "stop_signal": "SIGINT",
            "shm_size": "64m",
            "tmpfs": ["/tmp:mode=1777", "/var/run/postgresql:mode=1777"],
            "environment": {
                "POSTGRES_USER": "boxoffice_admin",
                "POSTGRES_DB": "postgres",
                "POSTGRES_PASSWORD_FILE": f"{SECRETS}/{DATABASE_SECRET}",
                "POSTGRES_INITDB_ARGS": " ".join([*stores.INITDB_OPTIONS, "--auth-host=scram-sha-256"]),
            },
            "command": ["postgres", *(word for key, value in configuration.items() for word in ("-c", f"{key}={value}"))],
            "volumes": ["postgres:/var/lib/postgresql", f"secrets-postgres:{SECRETS}:ro"],
            "depends_on": _when("service_completed_successfully", "secrets"),
            "mem_limit": memory("postgres"),
            "healthcheck": _healthcheck(["CMD", "pg_isready", "-q", "-h", "127.0.0.1", "-U", "boxoffice_admin"]),
            **common,
        },
        "redis": {
            "image": "redis:7",
            "user": "redis",
            "read_only": True,
            "init": True,
            "command": ["redis-server", *(word for key, value in redis.items() for word in (f"--{key}", value))],
            "volumes": ["redis:/data"],
            "mem_limit": memory("redis"),
            "healthcheck": _healthcheck(["CMD-SHELL", "redis-cli ping | grep -q PONG"]),
            **common,
        },
        "kafka": {
            "image": "apache/kafka:4.1.1",
            "init": True,
            "environment": {
                **{_kafka_variable(key): value for key, value in stores.kafka_settings(
                    "kafka", 9092, 9093, "/var/lib/kafka/data").items()},
                "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
                "KAFKA_HEAP_OPTS": f"-Xmx{heap} -Xms64m",
                "KAFKA_JVM_PERFORMANCE_OPTS": " ".join(options),
                "KAFKA_LOG4J_ROOT_LOGLEVEL": "WARN",
            },
            "volumes": ["kafka:/var/lib/kafka/data"],
            "mem_limit": memory("kafka"),
            "healthcheck": _healthcheck(["CMD", "bash", "-c", "</dev/tcp/127.0.0.1/9092"]),
            **common,
        },
    }


def _kafka_variable(key: str) -> str:
    return "KAFKA_" + key.replace("_", "__").replace("-", "___").replace(".", "_").upper()


# ---- the small machine ----


def instances(name: str, small: bool) -> int:
    key = instances_key(name.removesuffix(".fcgi"))
    if name == "gateway" or key not in SETTING_NAMES:
        return 1
    return SMALL[key] if small and key in SMALL else next(item.default for item in SETTINGS if item.name == key)


def total(small: bool, sandbox: bool) -> int:
    """MiB of all limits together, of what runs for long."""
    return sum(limits[small] * instances(name, small) for name, limits in MEMORY.items()
               if sandbox or name not in ("sandbox.fcgi", "mailbox"))


def small_environment() -> str:
    lines = [
        "# Made by scripts/compose-file: sizes for a small machine. docker compose --env-file .env --env-file compose.small.env up",
        f"# All memory limits together: {total(True, False)} MiB, with the sandbox {total(True, True)} MiB "
        f"(by default {total(False, False)} and {total(False, True)} MiB).",
        *(f"{key}={value}" for key, value in SMALL.items()),
        f"BOX_POSTGRES_SHARED_BUFFERS={SHARED_BUFFERS_MIB[1]}MB",
        f"BOX_REDIS_MAXMEMORY={REDIS_DATA_MIB[1]}mb",
        f"BOX_GATEWAY_FILES={GATEWAY_FILES_MIB[1]}m",
        f"BOX_KAFKA_HEAP={KAFKA_HEAP_MIB[1]}m",
        *(f"{memory_name(name)}={limits[1]}m" for name, limits in MEMORY.items()),
    ]
    return "\n".join(lines) + "\n"


# ---- YAML ----


def yaml(value, indent: int = 0) -> str:
    pad = "  " * indent
    lines = []
    for key, item in value.items():
        key = key if re.fullmatch(r"[\w.<-]+", key) else f'"{key}"'
        anchor = ""
        if isinstance(item, Anchored):
            anchor, item = f" &{item.name}", item.value
        if isinstance(item, dict) and item:
            lines.append(f"{pad}{key}:{anchor}\n{yaml(item, indent + 1)}")
        elif isinstance(item, list):
            lines.append(f"{pad}{key}: [{', '.join(_scalar(each) for each in item)}]")
        else:
            lines.append(f"{pad}{key}: {_scalar(item)}")
    return "\n".join(lines)


def _scalar(value) -> str:
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (bool, int)):
        return str(value).lower()
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def compose_file() -> str:
    return ("# Made by scripts/compose-file from scripts/stacklib: change it there. docker compose up; see README.md.\n"
            + yaml(compose()) + "\n")
