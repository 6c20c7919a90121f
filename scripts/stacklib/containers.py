"""What each container of ours runs, inside the image.

Ports, sizes, commands and environments are those of the local stack; only paths and host names differ.
"""
import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import time

from stacklib import files, gateway, programs, schedule, services
from stacklib.settings import SETTINGS, Failure, Stack, program

USER = 10001
RUN = "/run/boxoffice"
SECRETS = "/run/secrets"
HANDED_OUT = "/secrets"  # one folder for each program, in the container that makes the secrets
OPERATOR = "/operator"  # secrets that only an operator can know: those of the providers
PROVIDER_SECRETS = ("portone-secret", "portone-webhook-secret", "recaptcha-secret", "smtp-password")
OPTIONAL_SECRETS = (*(f"{provider}-client-secret" for provider in programs.SOCIAL), "s3-secret-key")
SLOTS = 9  # of pools of one service; a variable allows one to three
DATABASE_SECRET = "db-boxoffice_admin"
LOOK_S = 0.5
SIGNED_WITH = ("jwt-keys", "service-key-")  # what a program signs with or shows, and others check
FOLLOWED_S = 1.5  # programs look at their files once a second


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
    s3_url = None  # no store stands in: an operator's own, or no posters
    mailbox_smtp_url = property(lambda self: f"smtp://mailbox:{self['BOX_MAILBOX_SMTP_PORT']}")
    # On the host, where the ports may be others.
    public_url = property(lambda self: f"http://127.0.0.1:{os.environ.get('BOX_GATEWAY_PORT', self['BOX_GATEWAY_PORT'])}")
    public_sandbox_url = property(
        lambda self: f"http://127.0.0.1:{os.environ.get('BOX_SANDBOX_PORT', self['BOX_SANDBOX_PORT'])}")
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
    hand_out(stack)
    # PostgreSQL's own image has a user of its own; nobody else sees this folder.
    password = (stack.secrets / DATABASE_SECRET).read_text()
    files.write(pathlib.Path(HANDED_OUT) / "postgres" / DATABASE_SECRET, password, 0o444)


def hand_out(stack: ContainerStack) -> None:
    """What is checked by comes first, and is known to all when what is signed with follows."""
    wanted = [(pathlib.Path(HANDED_OUT) / name / secret, stack.secrets / secret)
              for name in (*programs.PROGRAMS, "maint") if (pathlib.Path(HANDED_OUT) / name).is_dir()
              for secret in secrets_of(stack, name)]
    for to in [pathlib.Path(HANDED_OUT) / name / secret for name in programs.PROGRAMS for secret in OPTIONAL_SECRETS]:
        if to.exists() and not (stack.secrets / to.name).exists():
            to.unlink()  # the operator has it no longer
    changed = [(to, source) for to, source in wanted if not to.exists() or to.read_bytes() != source.read_bytes()]
    signing = [pair for pair in changed if pair[1].name.startswith(SIGNED_WITH)]
    checking = [pair for pair in changed if pair not in signing]
    for group in (checking, signing):
        if group is signing and checking and signing:
            time.sleep(FOLLOWED_S)
        for to, source in group:
            files.write(to, source.read_text(), 0o400)


def run_boxctl(stack: ContainerStack, *words: str) -> None:
    """What changes keys hands them out as well: programs see folders of their own."""
    if words[:1] != ("keys",):
        run_program(stack, "boxctl", *words)
    done = subprocess.run([binary_of(stack, "boxctl"), *words], env=environment(stack, "boxctl"))
    if done.returncode == 0:
        hand_out(stack)
    raise SystemExit(done.returncode)


def _take_provider_secrets(stack: ContainerStack) -> None:
    for name in (*PROVIDER_SECRETS, *OPTIONAL_SECRETS):
        try:
            files.write(stack.secrets / name, (pathlib.Path(OPERATOR) / name).read_text().strip(), 0o600)
        except OSError as error:
            if name in OPTIONAL_SECRETS and isinstance(error, FileNotFoundError):
                (stack.secrets / name).unlink(missing_ok=True)
                continue
            raise Failure(f"without the sandbox the folder of BOX_PROVIDER_SECRETS must hold a file '{name}' that user "
                          f"{USER} may read ({error.strerror}); see README.md") from None


def secrets_of(stack: Stack, name: str) -> list[str]:
    """The files that the environments of this container's programs name."""
    paths = [value for part in programs.parts(name)
             for key, value in programs.environment(stack, part).items() if key.endswith("_FILE")]
    return sorted({pathlib.Path(path).name for path in paths if path.startswith(f"{stack.secrets}/")})


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
    nginx = subprocess.Popen(gateway.command(stack, stack.conf / "nginx.conf"), env=dict(os.environ, TZ=gateway.timezone()),
                             stderr=subprocess.PIPE)
    errors = subprocess.Popen(gateway.error_filter(), stdin=nginx.stderr, stdout=sys.stderr, start_new_session=True)
    nginx.stderr.close()  # the filter's alone: it ends when nginx has
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
    errors.wait()
    raise SystemExit(nginx.returncode)


def run_maint(stack: ContainerStack) -> None:
    """Each job is a service of runit, as in the local stack."""
    folder = stack.dir / "service"
    for name in programs.parts("maint"):
        programs.write_environment(stack.dir / "env" / name, programs.environment(stack, name))
    for job in schedule.jobs(binary_of(stack, programs.parts("maint")[0])):
        (folder / job.name).mkdir(parents=True, exist_ok=True)
        service = services.Service(job.name, "daemons", schedule.command(stack, job),
                                   env=stack.dir / "env" / (programs.JOB + job.name))
        files.write(folder / job.name / "run", services.run_script(service), 0o755)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BOX_")}
    os.execve(program("runsvdir"), ["runsvdir", str(folder)], kept)


def run(name: str, words: list[str]) -> None:
    stack = ContainerStack()
    own = {"secrets": run_secrets, "prepare": run_prepare, "nginx": run_gateway, "maint": run_maint}
    if name in own:
        own[name](stack)
    elif name == "boxctl":
        run_boxctl(stack, *words)
    elif name in programs.PROGRAMS and programs.PROGRAMS[name].responder:
        run_pool(stack, name)
    elif name in programs.PROGRAMS:
        run_program(stack, name, *words)
    else:
        raise Failure(f"no container runs '{name}'; there are: {' '.join([*own, *programs.PROGRAMS])}")
