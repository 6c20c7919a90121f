"""The same system in containers: what docker-compose.yml says, and what each container of ours runs.

Ports, sizes, commands and environments are those of the local stack; only paths and host names differ.
"""
import fcntl
import os
import pathlib
import re
import signal
import subprocess
import time

from stacklib import files, gateway, programs, schedule, services, stores
from stacklib.settings import SETTINGS, Failure, Stack, program

USER = 10001
RUN = "/run/boxoffice"
SECRETS = "/run/secrets"
HANDED_OUT = "/secrets"  # one folder for each program, in the container that makes the secrets
OPERATOR = "/operator"  # secrets that only an operator can know: those of the providers
PROVIDER_SECRETS = ("portone-secret", "portone-webhook-secret", "recaptcha-secret")
SLOTS = 9  # of pools of one service; a variable allows one to three
DATABASE_SECRET = "db-boxoffice_admin"
LOOK_S = 0.5

# Memory in MiB: by default, and for a small machine.
MEMORY = {
    "postgres": (768, 192),
    "redis": (1280, 96),
    "kafka": (768, 368),
    "gateway": (160, 64),
    "user.fcgi": (128, 32),
    "event.fcgi": (96, 24),
    "queue.fcgi": (96, 24),
    "reservation.fcgi": (128, 32),
    "payment.fcgi": (256, 32),
    "gateway.fcgi": (64, 24),
    "sandbox.fcgi": (256, 48),
    "queue-approver": (48, 16),
    "outbox-relay": (64, 24),
    "reservation-saga": (64, 24),
    "event-saga": (64, 24),
    "payment-saga": (64, 24),
    "maint": (48, 24),
}
REDIS_DATA_MIB = (1024, 64)
KAFKA_HEAP_MIB = (384, 192)
SHARED_BUFFERS_MIB = (128, 48)

# What the small machine sets of the stack's own settings.
SMALL = {
    "BOX_USER_PROCESSES": 1, "BOX_EVENT_PROCESSES": 1, "BOX_QUEUE_PROCESSES": 2, "BOX_RESERVATION_PROCESSES": 2,
    "BOX_PAYMENT_PROCESSES": 2, "BOX_SANDBOX_PROCESSES": 4,
    "BOX_USER_INSTANCES": 1, "BOX_EVENT_INSTANCES": 1, "BOX_QUEUE_INSTANCES": 1, "BOX_RESERVATION_INSTANCES": 1,
    "BOX_PAYMENT_INSTANCES": 1, "BOX_GATEWAY_INSTANCES": 1, "BOX_QUEUE_APPROVER_INSTANCES": 1,
}


class ContainerStack(Stack):
    """The stack as one of its containers sees it."""

    internal_address = "0.0.0.0"  # of a network that only the containers are on

    def __init__(self):
        super().__init__("dev")
        self.name = "compose"
        self.values |= {setting.name: setting.default for setting in SETTINGS if setting.port}
        self.values["BOX_LISTEN_ADDRESS"] = "0.0.0.0"
        self.sandbox = os.environ.get("BOX_SANDBOX") == "1"
        self.dir = pathlib.Path("/tmp/boxoffice")
        self.conf = self.dir / "conf"
        self.run = pathlib.Path(RUN)
        self.secrets = pathlib.Path(SECRETS)

    gateway_url = property(lambda self: f"http://gateway:{self['BOX_GATEWAY_PORT']}")
    internal_url = property(lambda self: f"http://gateway:{self['BOX_INTERNAL_PORT']}")
    sandbox_url = property(lambda self: f"http://gateway:{self['BOX_SANDBOX_PORT']}")
    brokers = property(lambda self: f"kafka:{self['BOX_KAFKA_PORT']}")

    def db_url(self, role: str) -> str:
        return f"postgresql://{role}@postgres:5432/boxoffice"

    def redis_url(self, database: int = 0) -> str:
        return f"redis://redis:6379/{database}"

    def sockets(self, service: str) -> list[str]:
        """Pools that live: each holds the lock of its slot. The first slot when there is none, as nginx wants one."""
        names = [f"{service}-{slot}" for slot in range(1, SLOTS + 1)]
        return [name for name in names if _taken(self.run / f"{name}.lock")] or names[:1]


def _taken(path: pathlib.Path) -> bool:
    try:
        with open(path) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return path.with_suffix(".sock").is_socket()


# ---- what a container runs ----


def run_secrets(stack: ContainerStack) -> None:
    """Makes the secrets that are missing, and gives each program its own."""
    programs.write_secrets(stack)
    if not stack.sandbox:
        _take_provider_secrets(stack)
    for name in programs.PROGRAMS:
        folder = pathlib.Path(HANDED_OUT) / name
        if folder.is_dir():
            for secret in secrets_of(stack, name):
                files.write(folder / secret, (stack.secrets / secret).read_text(), 0o400)
    # PostgreSQL's own image has a user of its own; nobody else sees this folder.
    password = (stack.secrets / DATABASE_SECRET).read_text()
    files.write(pathlib.Path(HANDED_OUT) / "postgres" / DATABASE_SECRET, password, 0o444)


def _take_provider_secrets(stack: ContainerStack) -> None:
    for name in PROVIDER_SECRETS:
        try:
            files.write(stack.secrets / name, (pathlib.Path(OPERATOR) / name).read_text().strip(), 0o600)
        except OSError as error:
            raise Failure(f"without the sandbox the folder of BOX_PROVIDER_SECRETS must hold a file '{name}' that user "
                          f"{USER} may read ({error.strerror}); see README.md") from None


def secrets_of(stack: Stack, name: str) -> list[str]:
    """The files that this program's environment names."""
    paths = [value for key, value in programs.environment(stack, name).items() if key.endswith("_FILE")]
    return sorted(pathlib.Path(path).name for path in paths if path.startswith(f"{stack.secrets}/"))


def run_prepare(stack: ContainerStack) -> None:
    for words in (["migrate"], ["topics"], *([["seed", "demo"]] if stack.sandbox else [])):
        subprocess.run([binary_of(stack, "boxctl"), *words], env=environment(stack, "boxctl"), check=True)


def binary_of(stack: Stack, name: str) -> pathlib.Path:
    return stack.build / programs.PROGRAMS[name].binary


def environment(stack: Stack, name: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BOX_")}
    return kept | programs.environment(stack, name)


def run_program(stack: ContainerStack, name: str, *words: str) -> None:
    binary = str(binary_of(stack, name))
    os.execve(binary, [binary, *words], environment(stack, name))


def run_pool(stack: ContainerStack, name: str) -> None:
    """Takes a free slot, whose lock is held for as long as one process of the pool lives."""
    for slot in range(1, SLOTS + 1):
        socket = stack.run / f"{name}-{slot}.sock"
        lock = os.open(socket.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o660)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        os.set_inheritable(lock, True)
        socket.unlink(missing_ok=True)
        own = pathlib.Path(OWN_SOCKET)
        own.unlink(missing_ok=True)
        own.symlink_to(socket)
        command = services.pool_command(socket, binary_of(stack, name), stack[f"BOX_{name.upper()}_PROCESSES"])
        words = [str(word) for word in command]
        os.execve(words[0], words, environment(stack, name))
    raise Failure(f"{name} has {SLOTS} pools already")


OWN_SOCKET = "/tmp/pool.sock"


def run_gateway(stack: ContainerStack) -> None:
    """nginx, told anew where the pools are whenever one comes or goes."""
    stack.conf.mkdir(parents=True, exist_ok=True)
    gateway.write_configuration(stack)
    nginx = subprocess.Popen(gateway.command(stack, stack.conf / "nginx.conf"), env=dict(os.environ, TZ="Asia/Seoul"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: nginx.send_signal(signal.SIGQUIT))
    told = (stack.conf / "nginx.conf").read_text()
    while nginx.poll() is None:
        time.sleep(LOOK_S)
        gateway.write_configuration(stack, check=False)
        wanted = (stack.conf / "nginx.conf").read_text()
        if wanted != told:
            nginx.send_signal(signal.SIGHUP)
            told = wanted
    raise SystemExit(nginx.returncode)


def run_maint(stack: ContainerStack) -> None:
    """Each job is a service of runit, as in the local stack."""
    folder = stack.dir / "service"
    for job in schedule.jobs(binary_of(stack, "maint")):
        (folder / job.name).mkdir(parents=True, exist_ok=True)
        service = services.Service(job.name, "daemons", schedule.command(stack, job))
        files.write(folder / job.name / "run", services.run_script(service), 0o755)
    os.execve(program("runsvdir"), ["runsvdir", str(folder)], environment(stack, "maint"))


def run(name: str, words: list[str]) -> None:
    stack = ContainerStack()
    own = {"secrets": run_secrets, "prepare": run_prepare, "nginx": run_gateway, "maint": run_maint}
    if name in own:
        own[name](stack)
    elif name in programs.PROGRAMS and programs.PROGRAMS[name].responder:
        run_pool(stack, name)
    elif name in programs.PROGRAMS:
        run_program(stack, name, *words)
    else:
        raise Failure(f"no container runs '{name}'; there are: {' '.join([*own, *programs.PROGRAMS])}")


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
        "maint": _daemon("maint") | {"tmpfs": ["/tmp:mode=1777,size=64m,exec"], "environment": {
            "BOX_SANDBOX": variable("BOX_SANDBOX", 0),
            "BOX_EXPIRE_HOLDS_PERIOD_S": setting("BOX_EXPIRE_HOLDS_PERIOD_S")}},
        "gateway": _gateway([name for name in responders if name != "sandbox"]),
        "boxctl": _ours("boxctl", secrets="master") | {
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
    return [name for name in programs.PROGRAMS if name != "boxctl" and _secrets_anyway(name)]


def _secrets_anyway(name: str) -> list[str]:
    stack = ContainerStack()
    stack.sandbox = False
    return secrets_of(stack, name)


def _ours(name: str, secrets: str | None = None, depends_on: dict = PREPARED) -> dict:
    volumes = [f"run:{RUN}"]
    if secrets:
        volumes.append(f"secrets-{secrets}:{SECRETS}:ro")
    return {"<<": Raw("*ours"), "command": [name], "volumes": volumes, "depends_on": depends_on}


def _secrets_service() -> dict:
    out = [f"secrets-{name}:{HANDED_OUT}/{name}" for name in ("postgres", *with_secrets())]
    operator = variable("BOX_PROVIDER_SECRETS", "./var/secrets")
    service = _ours("secrets", depends_on={}) | {
        # The first to run builds the image for all.
        "build": {"context": ".", "args": {"BASE_IMAGE": variable("BASE_IMAGE", "debian:bookworm-slim")}},
        "volumes": [f"secrets-master:{SECRETS}", *out, f"{operator}:{OPERATOR}:ro"],
        "networks": ["stores"], "restart": "no", "mem_limit": "64m"}
    del service["depends_on"]
    return service


def _pool(name: str) -> dict:
    processes, instances = f"BOX_{name.upper()}_PROCESSES", f"BOX_{name.upper()}_INSTANCES"
    ask = f"REQUEST_METHOD=GET DOCUMENT_URI=/internal/health cgi-fcgi -bind -connect {OWN_SOCKET} | grep -q ."
    service = _ours(name, secrets=name if name in with_secrets() else None) | {
        "environment": {"BOX_SANDBOX": variable("BOX_SANDBOX", 0), processes: setting(processes)},
        "mem_limit": memory(f"{name}.fcgi"),
        "deploy": {"replicas": Raw(setting(instances))},
        "healthcheck": _healthcheck(["CMD-SHELL", ask]),
    }
    if name == "sandbox":
        service["environment"]["BOX_SANDBOX_URL"] = f"http://127.0.0.1:{setting('BOX_SANDBOX_PORT')}"
        service["profiles"] = ["sandbox"]
    return service


def _daemon(name: str) -> dict:
    """Without a health check: a daemon that hangs ends itself by its watchdog and is started anew."""
    service = _ours(name, secrets=name if name in with_secrets() else None) | {"mem_limit": memory(name)}
    if name == "queue-approver":
        service["deploy"] = {"replicas": Raw(setting("BOX_QUEUE_APPROVER_INSTANCES"))}
    return service


def _gateway(responders: list[str]) -> dict:
    default = {item.name: item.default for item in SETTINGS}
    listen = setting("BOX_LISTEN_ADDRESS")
    ports = [f"{listen}:{setting('BOX_GATEWAY_PORT')}:{default['BOX_GATEWAY_PORT']}"]
    ports += [f"127.0.0.1:{setting(name)}:{default[name]}" for name in ("BOX_INTERNAL_PORT", "BOX_SANDBOX_PORT")]
    ask = (f"exec 3<>/dev/tcp/127.0.0.1/{default['BOX_GATEWAY_PORT']}; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; "
           "read -r line <&3; [[ $$line == *' 200'* ]]")
    return _ours("nginx", depends_on=_when("service_healthy", *(_service(name) for name in responders))) | {
        "environment": {"BOX_SANDBOX": variable("BOX_SANDBOX", 0), "BOX_CORS_ORIGINS": setting("BOX_CORS_ORIGINS")},
        "ports": ports,
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
    key = f"BOX_{re.sub('-', '_', name.removesuffix('.fcgi')).upper()}_INSTANCES"
    if name == "gateway" or not any(item.name == key for item in SETTINGS):
        return 1
    return SMALL[key] if small and key in SMALL else next(item.default for item in SETTINGS if item.name == key)


def total(small: bool, sandbox: bool) -> int:
    """MiB of all limits together, of what runs for long."""
    return sum(limits[small] * instances(name, small) for name, limits in MEMORY.items()
               if sandbox or name != "sandbox.fcgi")


def small_environment() -> str:
    lines = [
        "# Made by scripts/compose-file: sizes for a small machine. docker compose --env-file .env --env-file compose.small.env up",
        f"# All memory limits together: {total(True, False)} MiB, with the sandbox {total(True, True)} MiB "
        f"(by default {total(False, False)} and {total(False, True)} MiB).",
        *(f"{key}={value}" for key, value in SMALL.items()),
        f"BOX_POSTGRES_SHARED_BUFFERS={SHARED_BUFFERS_MIB[1]}MB",
        f"BOX_REDIS_MAXMEMORY={REDIS_DATA_MIB[1]}mb",
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
