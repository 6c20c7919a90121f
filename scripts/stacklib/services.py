"""What runs: one runit service folder per process or pool."""
import os
import pathlib
import shlex
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

from stacklib import files, gateway, processes, programs, schedule, stores
from stacklib.settings import NPM, ROOT, S3_BUCKET, Stack, postgresql_bin, program

# In the order in which they start; they stop in the opposite order, nginx first.
GROUPS = ("stores", "daemons", "responders", "gateway")


@dataclass(frozen=True)
class Service:
    name: str
    group: str
    command: list  # words; run from the checkout's root
    before: list = field(default_factory=list)  # words of a command that runs first
    env: pathlib.Path | None = None
    variables: dict = field(default_factory=dict)
    error_filter: list = field(default_factory=list)  # words of a command that standard error passes through
    inputs: tuple = ()  # files that make a restart necessary when they change
    soft_inputs: tuple = ()  # files whose change renew() takes over without a lost request
    renew: Callable[[int], None] | None = None  # is given the process id
    stop_signal: str = "TERM"
    ready: Callable[[], bool] = lambda: True


def waves(wanted: list[Service]) -> list[list[Service]]:
    """What may start or restart at the same time: never two pools of one service."""
    found = {}
    for service in wanted:
        pool = service.name.rsplit("-")[-1] if service.group == "responders" else ""
        found.setdefault((GROUPS.index(service.group), pool), []).append(service)
    return [found[key] for key in sorted(found)]


def all_services(stack: Stack) -> list[Service]:
    return [*_stores(stack), *_mailbox(stack), *_s3(stack), *_daemons(stack), *_responders(stack), _nginx(stack)]


def _stores(stack: Stack) -> list[Service]:
    postgres = [*stores.postgres_user(stack), postgresql_bin() / "postgres"]
    return [
        Service(
            "postgres",
            "stores",
            [*postgres, "-D", stack.dir / "postgres", "-c", f"config_file={stack.conf / 'postgresql.conf'}"],
            inputs=(stack.conf / "postgresql.conf", stack.conf / "pg_hba.conf"),
            stop_signal="INT",  # "fast": SIGTERM would wait for every client
            ready=lambda: stores.postgres_ready(stack),
        ),
        Service(
            "redis",
            "stores",
            [program("redis-server"), stack.conf / "redis.conf"],
            inputs=(stack.conf / "redis.conf",),
            ready=lambda: stores.redis_ready(stack),
        ),
        Service(
            "kafka",
            "stores",
            stores.kafka_command(stack, "kafka.Kafka", str(stack.conf / "kafka.properties")),
            inputs=(stack.conf / "kafka.properties", stack.conf / "kafka-log.properties"),
            ready=lambda: stores.kafka_ready(stack),
        ),
    ]


MAILS_KEPT = 1000


def _mailbox(stack: Stack) -> list[Service]:
    """What takes the place of a mail server, with the other stand-ins."""
    if not stack.sandbox:
        return []
    maildev = [NPM / "node", NPM / "node_modules/maildev/dist/bin/maildev.js"]
    smtp, page = stack["BOX_MAILBOX_SMTP_PORT"], stack["BOX_MAILBOX_PORT"]
    return [Service(
        "mailbox",
        "daemons",
        [*maildev, "--ip", "127.0.0.1", "--smtp", smtp, "--web-ip", "127.0.0.1", "--web", page,
         "--mail-directory", stack.dir / "mailbox", "--max-emails", MAILS_KEPT],
        variables={"NODE_ENV": "production"},
        ready=lambda: all(processes.listens(port) for port in (smtp, page)),
    )]


def _s3(stack: Stack) -> list[Service]:
    """What takes the place of Amazon S3; its clock and its signatures are real ones."""
    if not stack.sandbox:
        return []
    port = stack["BOX_S3_PORT"]
    # Its package lacks the program that would do this.
    s3rver = [NPM / "node", "-e", "require(process.argv[1]).parseAsync()", NPM / "node_modules/@20minutes/s3rver/lib/cli.js"]
    return [Service(
        "s3",
        "daemons",
        [*s3rver, "--address", "127.0.0.1", "--port", port, "--directory", stack.dir / "s3", "--configure-bucket", S3_BUCKET],
        variables={"NODE_ENV": "production"},
        ready=lambda: processes.listens(port),
    )]


def _responders(stack: Stack) -> list[Service]:
    found = []
    for name, details in programs.PROGRAMS.items():
        if not details.responder or not programs.present(name):
            continue
        count = stack[f"BOX_{name.upper()}_PROCESSES"]
        for pool in stack.sockets(name):
            found.append(_pool(stack, pool, details, count, stack.env / name))
    return found


# A pool whose programs end at once, for a wrong setting, takes connections and never answers.
POOL_ANSWER_S = 1


NICE = 15  # a thirtieth of the processor time of each that does not yield, when all are at work
# Where Linux shares the processors among sessions first (sched_autogroup_enabled), being nice counts only within one: what
# yields has a session of its own, and that one is nice as well. Who is not root may write there ten times a second.
YIELD = """
for attempt in 1 2 3 4 5; do
    test -w /proc/self/autogroup || break
    (echo "$1" >/proc/self/autogroup) 2>/dev/null && break
    sleep 0.2
done
exec nice -n "$@"
"""


def yielding(command: list) -> list:
    return [program("chpst"), "-P", "sh", "-c", YIELD, "yield", NICE, *command]


def _pool(stack: Stack, name: str, details: programs.Program, count: int, env: pathlib.Path) -> Service:
    socket = stack.run / f"{name}.sock"
    binary = stack.build / details.binary
    return Service(
        name,
        "responders",
        yielding(pool_command(socket, binary, count)) if details.yields else pool_command(socket, binary, count),
        before=["rm", "-f", socket],
        env=env,
        inputs=(env,),
        soft_inputs=(binary,),
        renew=processes.replace_children,
        ready=lambda: processes.pool_health(socket, POOL_ANSWER_S) != b"",
    )


def pool_command(socket: pathlib.Path, binary: pathlib.Path, count: int) -> list:
    # multiwatch respawns what dies. A process that dies within a second of its start twenty times in a row is not
    # tried again; when all have come to that, multiwatch ends and runit starts it anew, with pauses. Told to end, it says
    # QUIT, which version 1.0.0 sends as INT: the pool ends (by itself it would say USR1: only this process, another one
    # follows). What outlives multiwatch is told to end.
    return [program("spawn-fcgi"), "-n", "-s", socket, "-M", "0660", "-b", "1024", "--",
            program("multiwatch"), "-f", count, "-r", "20", "-t", "1000", "-s", "QUIT", "--",
            program("setpriv"), "--pdeathsig", "TERM", binary]


def _daemons(stack: Stack) -> list[Service]:
    found = []
    for name, details in programs.PROGRAMS.items():
        if details.source.startswith("src/daemons/") and programs.present(name):
            count = stack.instances(name)
            for number in range(1, count + 1):
                service = f"{name}-{number}" if count > 1 else name
                found.append(_program(stack, service, name, [stack.build / details.binary]))
    for job in schedule.jobs(stack.build / programs.JOB_BINARY):
        found.append(_program(stack, programs.JOB + job.name, programs.JOB + job.name, schedule.command(stack, job)))
    return found


def _program(stack: Stack, service: str, name: str, command: list) -> Service:
    binary = stack.build / programs.PROGRAMS[name].binary
    return Service(service, "daemons", command, env=stack.env / name, inputs=(binary, stack.env / name))


def _nginx(stack: Stack) -> Service:
    # Workers whose master was killed would go on listening: they are found by the process group that it led.
    leftover = f'test ! -s {gateway.pid_file(stack)} || pkill -QUIT -x -g "$(cat {gateway.pid_file(stack)})" nginx'
    return Service(
        "nginx",
        "gateway",
        [program("chpst"), "-P", *gateway.command(stack, stack.conf / "nginx.conf")],
        before=["sh", "-c", leftover],
        variables={"TZ": gateway.timezone()},
        error_filter=gateway.error_filter(),
        inputs=(gateway.ERROR_FILTER,),
        soft_inputs=(stack.conf / "nginx.conf", *(stack.conf / part.name for part in gateway.parts())),
        renew=lambda pid: os.kill(pid, signal.SIGHUP),
        stop_signal="QUIT",
        ready=lambda: gateway.get(f"{stack.gateway_url}/health/live")[0] == 200,
    )


# ---- service folders ----


def _words(command: list) -> str:
    return shlex.join(str(word) for word in command)


def run_script(service: Service) -> str:
    shell = "bash" if service.error_filter else "sh"
    lines = [f"#!/bin/{shell}", f"# {service.name}: made by scripts/stack", "exec 2>&1", f"cd {shlex.quote(str(ROOT))}"]
    if service.before:
        lines.append(_words(service.before))
    if service.error_filter:
        lines.append(f"exec 2> >(exec {_words(service.error_filter)})")
    # What outlives its runsv is told to end: the next runsv starts it anew. PostgreSQL's setpriv says so itself.
    words = [] if service.command[0] == program("setpriv") else [program("setpriv"), "--pdeathsig", "TERM"]
    if service.variables:
        words += ["env", *(f"{key}={value}" for key, value in service.variables.items())]
    if service.env:
        words += [program("chpst"), "-e", service.env]
    lines.append("exec " + _words([*words, *service.command]))
    return "\n".join(lines) + "\n"


def write_folder(stack: Stack, service: Service) -> None:
    folder = stack.service / service.name
    logs = stack.log / service.name
    for path in (folder / "log", folder / "control", logs):
        path.mkdir(parents=True, exist_ok=True)
    files.write(folder / "run", run_script(service), 0o755)
    files.write(folder / "group", service.group)
    if service.stop_signal != "TERM":
        control = f'#!/bin/sh\nexec kill -{service.stop_signal} "$(cat supervise/pid)"\n'
        files.write(folder / "control" / "t", control, 0o755)
    # 10 files of 10 MB; a line of our own has at most 8 KiB.
    rotation = "s10000000\nn10\n"
    targets = [logs]
    files.write(logs / "config", rotation)
    if service.name == "nginx":  # the access log apart from the error log
        access = stack.log / "nginx-access"
        access.mkdir(exist_ok=True)
        files.write(logs / "config", rotation + "-{*\n")
        files.write(access / "config", rotation + "-*\n+{*\n")
        targets.append(access)
    logger = [program("svlogd"), "-l", "16000", "-b", "65536", *targets]
    files.write(folder / "log" / "run", f"#!/bin/sh\nexec {_words(logger)}\n", 0o755)


def fingerprint(stack: Stack, service: Service) -> tuple[str, str]:
    """Of what the process is started from, and of what it takes over while it runs."""
    return files.digest([stack.service / service.name / "run", *service.inputs]), files.digest(service.soft_inputs)
