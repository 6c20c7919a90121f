"""What the peers consist of, in the cache: Debian packages, unpacked and not installed, and a jar that Maven builds."""
import fcntl
import hashlib
import pathlib
import subprocess
import sys
import tempfile

from stacklib.settings import CACHE, program

HERE = pathlib.Path(__file__).resolve().parent
SPRING = HERE / "spring-webflux"
# Name, version, SHA-256; for the nginx of Debian 12.
NGINX_LUA = (
    ("libnginx-mod-http-lua", "1:0.10.23-1+deb12u1", "c6060e48e01172b6a04fc9b13271cb056bc8377199292d6b03f2207f15b0c598"),
    ("libnginx-mod-http-ndk", "1:0.3.2-3", "1ba51305af78458549aa587bfaae2555f950ffd11ebebacf8f7a9e5cfe1a583e"),
    ("libluajit2-5.1-2", "2.1-20230119-1", "83f4cb79e75286a1100ed7fd0f849b5823c911067fc9d6a1e29dfbdc84353909"),
    ("libpcre3", "2:8.39-15", "993ea623ce5b42d67f653f2faaa7ef15e7c9d72bfcb93e22a1eaff7aa3532303"),
    ("lua-cjson", "2.1.0+dfsg-2.2", "ccb427f4941cd3871fc77237d81b93cef326a49cb80ecb8d5f33ad69a8b274d4"),
    ("lua-nginx-redis", "0.27-1.1", "edc56498ec33527a762f2928109c96d373a2e41b0c810e5fcaf304fc85b1c5d6"),
    ("lua-resty-core", "0.1.25-1", "ec3474d16db332c6deb9c35c13ff3e09f10773705e3b42c0e80cb318b67dc9e5"),
    ("lua-resty-lrucache", "0.13-10", "74b1a5621936fa0aac1e85dfe2ee49f8fa9dad1856bdbc52e4109528916a8400"),
)
MACHINE = "x86_64"  # the checksums are of its packages


def run(command: list, what: str, **more) -> None:
    done = subprocess.run(command, text=True, capture_output=True, **more)
    if done.returncode != 0:
        last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-5:]
        sys.exit(f"bench-peers: {what}:\n  " + "\n  ".join(last))


def cached(name: str, make) -> pathlib.Path:
    """The path of that name in the cache. When it is missing, make(folder) makes it in there and returns its path. One at a
    time, and not beside scripts/setup."""
    path = CACHE / name
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(prefix="part.", dir=CACHE) as folder:
                make(pathlib.Path(folder)).rename(path)
    return path


def digest_of(*texts: bytes) -> str:
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


# ---- nginx-lua ----


def nginx_lua() -> pathlib.Path:
    """The folder into which its packages are unpacked, from its root on."""
    return cached(f"peer-nginx-lua-{digest_of(repr(NGINX_LUA).encode())}", _unpack_nginx_lua)


def _unpack_nginx_lua(folder: pathlib.Path) -> pathlib.Path:
    print("bench-peers: fetching nginx-lua", flush=True)
    wanted = [f"{name}={version}" for name, version, _ in NGINX_LUA]
    run([program("apt-get"), "-q", "download", *wanted],
        "nginx-lua's packages could not be fetched; does 'apt-get update' help, and is this Debian 12?", cwd=folder)
    for name, _, checksum in NGINX_LUA:
        (package,) = folder.glob(f"{name}_*.deb")
        if hashlib.sha256(package.read_bytes()).hexdigest() != checksum:
            sys.exit(f"bench-peers: {package.name} is not the package that tests/load/peers/packages.py names")
        run([program("dpkg-deb"), "-x", package, folder / "root"], f"{package.name} could not be unpacked")
    return folder / "root"


# ---- Spring WebFlux ----


def spring_jar() -> pathlib.Path:
    sources = [SPRING / "pom.xml", *sorted(path for path in (SPRING / "src").rglob("*") if path.is_file())]
    return cached(f"peer-spring-webflux-{digest_of(*(path.read_bytes() for path in sources))}.jar", _build_spring)


def _build_spring(folder: pathlib.Path) -> pathlib.Path:
    print("bench-peers: building the Spring WebFlux peer with Maven", flush=True)
    program("javac")
    run([program("mvn"), "-q", "-B", "-Dstyle.color=never", f"-Dmaven.repo.local={folder / 'repository'}",
         "-f", SPRING / "pom.xml", f"-DbuildDirectory={folder / 'target'}", "package"],
        "the Spring WebFlux peer could not be built with mvn; is the network there?")
    return folder / "target/peer.jar"
