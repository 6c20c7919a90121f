"""PostgreSQL, Redis and Kafka: configuration, first initialisation, and whether they are ready."""
import base64
import grp
import os
import pathlib
import pwd
import socket
import subprocess
import uuid

from stacklib import files, processes
from stacklib.programs import ROLES
from stacklib.settings import CACHE, KAFKA, ROOT, Failure, Stack, postgresql_bin, program

POSTGRES_PLACES = """\
hba_file = '{conf}/pg_hba.conf'
listen_addresses = ''
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0770
port = 5432
"""

POSTGRES_CONF = """\
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = 128MB
work_mem = 8MB
maintenance_work_mem = 64MB
effective_cache_size = 512MB
random_page_cost = 1.1
synchronous_commit = on
wal_level = replica
max_wal_size = 1GB
min_wal_size = 128MB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
autovacuum_naptime = 15s
log_destination = 'stderr'
log_line_prefix = '%m [%p] %q%u@%d '
log_min_duration_statement = 500ms
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_lock_waits = on
log_timezone = 'UTC'
timezone = 'UTC'
lc_messages = 'C'
"""

PG_HBA = """\
# Unix socket only; everyone proves who they are, and our programs go into our database alone.
local boxoffice   all scram-sha-256
local all         {roles} reject
local all         all scram-sha-256
local replication all scram-sha-256
"""

REDIS_PLACES = """\
port 0
unixsocket "{socket}"
unixsocketperm 660
dir "{data}"
"""

REDIS_CONF = """\
daemonize no
databases 16
appendonly yes
appendfsync everysec
save ""
maxmemory 1gb
maxmemory-policy noeviction
# Until then the people of a line cost 30 bytes each, not 100: see src/queue/queue_keys.h.
hash-max-listpack-entries 4096
"""

KAFKA_CONF = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=PLAINTEXT://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{broker}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# 128 MB by default, more than a small heap has left.
log.cleaner.dedupe.buffer.size=33554432
"""

KAFKA_LOG_CONF = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server
logger.server.level=info
"""

INITDB_OPTIONS = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")

KAFKA_JAVA = ("-Xmx384m", "-Xms128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")


def postgres_settings() -> dict[str, str]:
    """Those that hold wherever it runs; so do the next two."""
    pairs = (line.split(" = ", 1) for line in POSTGRES_CONF.splitlines())
    return {key: value.strip("'") for key, value in pairs}


def redis_settings() -> dict[str, str]:
    pairs = (line.split(" ", 1) for line in REDIS_CONF.splitlines() if not line.startswith("#"))
    return {key: value.strip('"') for key, value in pairs}


def kafka_settings(host: str, broker: int, controller: int, data: str) -> dict[str, str]:
    text = KAFKA_CONF.format(host=host, broker=broker, controller=controller, data=data)
    return dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))


def write_configuration(stack: Stack) -> None:
    stack.conf.mkdir(exist_ok=True)
    for name in ("redis", "kafka"):
        (stack.dir / name).mkdir(mode=0o700, exist_ok=True)
    files.write(
        stack.conf / "postgresql.conf",
        POSTGRES_PLACES.format(conf=stack.conf, socket_dir=stack.pg_run) + POSTGRES_CONF,
    )
    files.write(stack.conf / "pg_hba.conf", PG_HBA.format(roles=",".join(ROLES)))
    files.write(
        stack.conf / "redis.conf",
        REDIS_PLACES.format(socket=stack.redis_socket, data=stack.dir / "redis") + REDIS_CONF,
    )
    files.write(
        stack.conf / "kafka.properties",
        KAFKA_CONF.format(
            host="127.0.0.1", broker=stack["BOX_KAFKA_PORT"], controller=stack["BOX_KAFKA_CONTROLLER_PORT"], data=stack.dir / "kafka"
        ),
    )
    files.write(stack.conf / "kafka-log.properties", KAFKA_LOG_CONF)


# ---- PostgreSQL ----


def postgres_user(stack: Stack) -> list[str]:
    """The words before a command that give up root, which PostgreSQL refuses; none when we are not root.

    A checkout below a closed folder such as /root cannot be entered by another user; the capability to read and search
    everything (or, where a container withholds that one, to override permissions) makes up for it.
    """
    if os.geteuid() != 0:
        return []
    user = _unprivileged()
    drop = [program("setpriv"), "--pdeathsig", "TERM", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    for capability in ("", "+dac_read_search", "+dac_override"):
        # no_setuid_fixup: access(2), which PostgreSQL asks about its own files, shall see the capability too.
        keep = ["--securebits=+no_setuid_fixup", f"--inh-caps={capability}", f"--ambient-caps={capability}"]
        extra = keep if capability else []
        reach = [*drop, *extra, "test", "-r", stack.conf / "postgresql.conf", "-a", "-x", postgresql_bin() / "postgres"]
        if subprocess.run(reach, capture_output=True).returncode == 0:
            return drop + extra
    raise Failure(
        f"PostgreSQL must not run as root, and the user {user.pw_name} cannot enter {ROOT} or {CACHE}: "
        "run this as an ordinary user, or move the checkout to a folder that others may enter"
    )


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure("PostgreSQL must not run as root, and there is no user 'postgres' or 'nobody': create one")


def _give_to_postgres(path: pathlib.Path, mode: int) -> None:
    path.mkdir(mode=mode, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(path, _unprivileged().pw_uid, grp.getgrgid(os.getegid()).gr_gid)
    path.chmod(mode)


def init_postgres(stack: Stack) -> None:
    _give_to_postgres(stack.pg_run, 0o770)
    data = stack.dir / "postgres"
    _give_to_postgres(data, 0o700)
    if (data / "PG_VERSION").exists():
        return
    password = stack.pg_run / "initial-password"
    password.write_text((stack.secrets / "db-boxoffice_admin").read_text())
    if os.geteuid() == 0:
        os.chown(password, _unprivileged().pw_uid, -1)
    try:
        _run(
            stack,
            [*postgres_user(stack), postgresql_bin() / "initdb", "--pgdata", data, "--username", "boxoffice_admin",
             "--pwfile", password, "--auth=scram-sha-256", *INITDB_OPTIONS, "--no-instructions", "--no-sync"],
            "PostgreSQL's data folder could not be made",
        )
    finally:
        password.unlink()


def postgres_ready(stack: Stack) -> bool:
    asked = subprocess.run(
        [postgresql_bin() / "pg_isready", "--quiet", "--host", stack.pg_run, "--dbname", "postgres"],
        capture_output=True,
    )
    return asked.returncode == 0


# ---- Redis ----


def redis_ready(stack: Stack) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(stack.redis_socket))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False


# ---- Kafka ----


def kafka_command(stack: Stack, *words: str) -> list[str]:
    log = f"-Dlog4j2.configurationFile=file:{stack.conf / 'kafka-log.properties'}"
    return [program("java"), *KAFKA_JAVA, log, "-cp", f"{KAFKA}/*", *words]


def init_kafka(stack: Stack) -> None:
    if (stack.dir / "kafka" / "meta.properties").exists():
        return
    cluster = stack.dir / "kafka-cluster-id"
    if not cluster.exists():
        files.write(cluster, base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))
    _run(
        stack,
        # In one word: the id may begin with a dash.
        kafka_command(stack, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster.read_text()}", "-c",
                      str(stack.conf / "kafka.properties"), "--ignore-formatted"),
        "Kafka's data folder could not be made",
    )


def kafka_ready(stack: Stack) -> bool:
    return processes.listens(stack["BOX_KAFKA_PORT"])


def _run(stack: Stack, command: list, complaint: str) -> None:
    done = subprocess.run(command, cwd=stack.dir, text=True, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()
        raise Failure(f"{complaint}: {words[-1]}")
