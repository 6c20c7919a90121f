"""nginx: its configuration from the stack's settings, and whether it answers."""
import ipaddress
import os
import pathlib
import re
import resource
import subprocess
import urllib.error
import urllib.request

from stacklib import files
from stacklib.settings import ROOT, SETTING_NAMES, Failure, Stack, program

ERROR_FILTER = ROOT / "nginx" / "error_log.sed"
SERVICES = ("user", "login", "outside", "event", "queue", "reservation", "payment", "gateway", "sandbox")


# A pool that is away is passed over for a second after so many failures; every one is a line of the log.
HEALTH = {"": "max_fails=3 fail_timeout=1s", "_kept": "max_fails=32 fail_timeout=1s"}


def _upstream(stack: Stack, service: str) -> str:
    groups = [_group(stack, service, "")]
    if f"BOX_{service.upper()}_CONNECTIONS" in SETTING_NAMES:
        groups.append(_group(stack, service, "_kept", *(_keeping(stack, service) if stack.connections(service) > 1 else [])))
    return "\n".join(groups)


def _group(stack: Stack, service: str, kind: str, *more: str) -> str:
    """Each pool twice: one that is back is asked again at once when all have failed within the second, as they do when they
    are restarted one after the other, or when processes of both have died."""
    name, sockets = f"{service}{kind}", stack.sockets(service)
    # The sandbox drops answers on purpose: that must not count against it.
    health = "max_fails=0" if service == "sandbox" else HEALTH[kind]
    servers = [f"        server unix:{stack.run}/{socket}.sock {health};" for socket in sockets]
    servers += [f"        server unix:{stack.run}/{socket}.sock max_fails=0 backup;" for socket in sockets
                if service != "sandbox"]
    return "\n".join([f"    upstream {name} {{", f"        zone {name} 64k;", *servers, *more, "    }"])


def _keeping(stack: Stack, service: str) -> list[str]:
    # Half of what one pool alone has room for: the rest is for connections that are not kept. A process that ends waits
    # for us to let go of those that are: after 5 s in use, or 2 s idle (BOX_DRAIN_MS must be longer).
    room = stack[f"BOX_{service.upper()}_PROCESSES"] * stack.connections(service)
    each = max(1, room // 2 // (os.cpu_count() or 1))
    return [f"        {line};" for line in (f"keepalive {each}", "keepalive_requests 1000000", "keepalive_time 5s",
                                            "keepalive_timeout 2s")]


def _cors_origins(stack: Stack) -> str:
    origins = stack["BOX_CORS_ORIGINS"].split()
    for origin in origins:
        if not re.fullmatch(r"https?://[A-Za-z0-9.\[\]:-]+", origin):
            raise Failure(f"BOX_CORS_ORIGINS: '{origin}' is no origin such as https://example.com")
    return "\n".join(f'        "{origin}" $http_origin;' for origin in origins)


def _trusted_proxies(stack: Stack) -> str:
    """Whom they name last that is none of them is the client."""
    proxies = stack["BOX_TRUSTED_PROXIES"].split()
    for proxy in proxies:
        try:
            ipaddress.ip_network(proxy)
        except ValueError as error:
            raise Failure(f"BOX_TRUSTED_PROXIES: '{proxy}' is no address or network: {error}") from error
    if not proxies:
        return ""
    lines = [*(f"set_real_ip_from {proxy};" for proxy in proxies), "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"]
    return "\n".join(f"        {line}" for line in lines)


# How long a login may wait for its turn when its address has too many.
LOGIN_PATIENCE_S = 5


def _fill(template: str, values: dict) -> str:
    text = (ROOT / "nginx" / template).read_text()
    return re.sub(r"@([A-Z_]+)@", lambda found: str(values[found[1]]), text)


def write_configuration(stack: Stack, check: bool = True) -> None:
    """`check` asks nginx first whether it would take it."""
    open_files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 16384)
    connections = min(4096, open_files // 3)
    temp = stack.dir / "nginx"
    temp.mkdir(mode=0o700, exist_ok=True)
    values = {
        # Without this, workers of a root's nginx could not open the sockets (0660) of responders that run as root.
        "USER_LINE": "user root;" if os.geteuid() == 0 else "",
        "OPEN_FILES": open_files,
        "CONNECTIONS": connections,
        "BODIES_OF_ONE_ADDRESS": connections // 2,
        "OUTSIDE_OF_ONE_ADDRESS": max(2, stack["BOX_OUTSIDE_INSTANCES"] * stack["BOX_OUTSIDE_PROCESSES"] * 2 // 3),
        "LOGINS_OF_ONE_ADDRESS": stack["BOX_LOGINS_OF_ONE_ADDRESS"],
        "LOGINS_OF_ONE_ADDRESS_WAITING": LOGIN_PATIENCE_S * stack["BOX_LOGINS_OF_ONE_ADDRESS"],
        "PID_FILE": pid_file(stack),
        "TEMP": temp,
        "CORS_ORIGINS": _cors_origins(stack),
        "UPSTREAMS": "\n".join(_upstream(stack, service) for service in SERVICES
                               if stack.sandbox or service != "sandbox"),
        "TRUSTED_PROXIES": _trusted_proxies(stack),
        "LISTEN_ADDRESS": stack["BOX_LISTEN_ADDRESS"],
        "GATEWAY_PORT": stack["BOX_GATEWAY_PORT"],
        "INTERNAL_ADDRESS": stack.internal_address,
        "INTERNAL_PORT": stack["BOX_INTERNAL_PORT"],
        "SANDBOX_PORT": stack["BOX_SANDBOX_PORT"],
    }
    values["SANDBOX_SERVER"] = _fill("sandbox.conf.in", values) if stack.sandbox else ""
    text = _fill("nginx.conf.in", values)
    for part in parts():
        files.write(stack.conf / part.name, _fill(part.name, values))
    path = stack.conf / "nginx.conf.new"
    files.write(path, text)
    if check:
        checked = subprocess.run([*command(stack, path), "-t", "-q"], text=True, capture_output=True)
        if checked.returncode != 0:
            raise Failure(f"nginx refuses its configuration: {checked.stderr.strip()}")
    path.replace(stack.conf / "nginx.conf")


def parts() -> list[pathlib.Path]:
    return sorted((ROOT / "nginx").glob("*.conf"))


def timezone() -> str:
    """Of the times that nginx itself tells: that of the programs."""
    return os.environ.get("BOX_TIMEZONE", "Asia/Seoul")


def pid_file(stack: Stack) -> pathlib.Path:
    return stack.run / "nginx.pid"


def command(stack: Stack, path) -> list[str]:
    return [program("nginx"), "-e", "stderr", "-p", str(stack.dir), "-c", str(path)]


def error_filter() -> list[str]:
    """What nginx's standard error passes through before it is kept. Bytes, whatever they are, and no characters."""
    return ["env", "LC_ALL=C", program("sed"), "-u", "-E", "-f", str(ERROR_FILTER)]


def get(url: str, timeout: float = 3) -> tuple[int, str]:
    """Status and body of a GET; 0 and the reason when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        return 0, str(error)
