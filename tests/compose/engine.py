"""A Docker engine to test in, and images for docker-compose.yml where the public ones cannot be pulled."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from stacklib.settings import CACHE, DOCKER_COMPOSE, KAFKA, NPM, POSTGRESQL, ROOT

HERE = pathlib.Path(__file__).resolve().parent
BASE = "debian:bookworm-slim"
CERTIFICATES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
READY_S = 60
PULL_S = 300
BUILD_S = 900
# What each stand-in's Dockerfile copies from the cache of scripts/setup.
STANDINS = {
    "postgres:18": ("postgres", {"pg": POSTGRESQL}),
    "redis:7": ("redis", {}),
    "apache/kafka:4.1.1": ("kafka", {"kafka": KAFKA}),
    "maildev/maildev:3.0.0": ("maildev", {"servers": NPM}),
}


class EngineFailure(Exception):
    """Nothing can be tested here; the text says why."""


def command(words: list, env: dict | None = None, timeout: float = BUILD_S) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in words], env=os.environ | (env or {}), cwd=ROOT, text=True,
                          errors="replace", stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)


def must(words: list, **options) -> str:
    done = command(words, **options)
    if done.returncode != 0:
        raise EngineFailure(f"{' '.join(str(word) for word in words)} failed:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def say(text: str) -> None:
    print(text, flush=True)


@contextlib.contextmanager
def engine():
    """The one that runs, or one of our own for as long as this lasts. Docker's commands find it by the environment."""
    with tempfile.TemporaryDirectory(prefix="boxoffice-engine.") as folder:
        _find_compose(pathlib.Path(folder))
        if command(["docker", "info"]).returncode == 0:
            say("engine: the one that runs here")
            yield
            return
        with _own_engine(pathlib.Path(folder)):
            yield


def _find_compose(folder: pathlib.Path) -> None:
    """Compose as scripts/setup has built it is no plugin that Docker would find."""
    if command(["docker", "compose", "version"]).returncode != 0:
        plugins = folder / "config" / "cli-plugins"
        plugins.mkdir(parents=True)
        (plugins / "docker-compose").symlink_to(DOCKER_COMPOSE)
        os.environ["DOCKER_CONFIG"] = str(folder / "config")


@contextlib.contextmanager
def _own_engine(folder: pathlib.Path):
    if os.getuid() != 0:
        raise EngineFailure("no Docker engine answers, and only root can start one: start Docker, or run this as root")
    socket = f"unix://{folder}/socket"
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            ["dockerd", "--data-root", CACHE / "engine", "--exec-root", folder / "exec", "--pidfile", folder / "pid",
             "-H", socket], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            os.environ["DOCKER_HOST"] = socket
            end = time.monotonic() + READY_S
            while command(["docker", "info"]).returncode != 0:
                if process.poll() is not None or time.monotonic() > end:
                    raise EngineFailure(f"the engine did not start:\n{(folder / 'log').read_text()[-2000:]}")
                time.sleep(0.2)
            say(f"engine: one of our own, which keeps its images in {CACHE / 'engine'}")
            yield
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def images():
    """Every public image that docker-compose.yml and the Dockerfile name."""
    made = []
    try:
        if not _present(BASE):
            _make_base()
            made.append(BASE)
        for name in STANDINS:
            if not _present(name):
                _make_standin(name)
                made.append(name)
        yield
    finally:
        # Under the name of the real one, a stand-in must not stay in an engine that serves others.
        if made and "boxoffice-engine." not in os.environ.get("DOCKER_HOST", ""):
            command(["docker", "image", "rm", "--force", *made])


def _present(name: str) -> bool:
    if command(["docker", "image", "inspect", name]).returncode == 0:
        return True
    say(f"images: pulling {name}")
    try:
        return command(["docker", "pull", "--quiet", name], timeout=PULL_S).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _setup_standins() -> None:
    if subprocess.run([ROOT / "scripts/setup", "standins"]).returncode != 0:
        raise EngineFailure("what the stand-ins are made of could not be fetched")


def _make_base() -> None:
    say(f"images: {BASE} cannot be pulled; a Debian of debootstrap takes its place")
    _setup_standins()
    with tempfile.TemporaryDirectory(prefix="boxoffice-base.") as folder:
        root = pathlib.Path(folder) / "root"
        must(["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root])
        shutil.copy(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        archive = pathlib.Path(folder) / "base.tar"
        must(["tar", "-C", root, "--exclude=./dev", "--exclude=./var/cache/apt/archives/*.deb", "-cf", archive, "."])
        must(["docker", "import", "--change", 'CMD ["bash"]', archive, BASE])


def _make_standin(name: str) -> None:
    say(f"images: {name} cannot be pulled; a stand-in takes its place")
    _setup_standins()
    short, parts = STANDINS[name]
    with tempfile.TemporaryDirectory(prefix="boxoffice-standin.", dir=CACHE) as folder:
        context = pathlib.Path(folder)
        for target, source in parts.items():
            shutil.copytree(source, context / target, copy_function=os.link, symlinks=True)
        for file in (HERE / "standin").iterdir():
            shutil.copy(file, context)
        must(["docker", "build", "--quiet", "--tag", name, "--file", context / f"{short}.Dockerfile", context])


def inspect(*names: str) -> list[dict]:
    return json.loads(must(["docker", "inspect", *names])) if names else []


