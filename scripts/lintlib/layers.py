"""Who may include whom (docs/architecture.md), and where a vendor's header may stand."""
import pathlib
import re

from lintlib.csource import program_files

DOMAINS = ("user", "event", "queue", "reservation", "payment", "sandbox")
TOOLS = ("daemons", "maint", "boxctl")
# The rooms of common/, lowest first: each may use itself and those before it.
ROOMS = ("base", "crypto", "context", "json", "io", "auth", "run", "serve")
# Domain code knows nothing of HTTP.
HTTP = "common/serve"

# Vendor: its headers, and the one room that may know them.
VENDORS = {
    "libpq": (r"libpq-fe\.h|postgres.*\.h", "io"),
    "hiredis": (r"hiredis/.*", "io"),
    "librdkafka": (r"librdkafka/.*", "io"),
    "libcurl": (r"curl/.*", "io"),
    "json-c": (r"json-c/.*|json\.h", "json"),
    "openssl": (r"openssl/.*", "crypto"),
    "libjwt": (r"jwt\.h", "auth"),
    "libcrypt": (r"crypt\.h", "crypto"),
    "zxcvbn": (r"zxcvbn\.h", "crypto"),
    "libfcgi": (r"fcgi.*\.h", "serve"),
    "libunistring": (r"uni(?!std\.).*\.h", "base"),
    "zlib": (r"zlib\.h", "base"),
}

# Modules that share one: libcurl speaks two protocols, for each of which we have a module.
SHARED = {"libcurl": {"http", "smtp"}}

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)


# Ours, however they are written.
OWN = ("common/", "src/", "cgi-bin/", "sql/", "tests/")


def includes(path: pathlib.Path, bracket: str) -> list[tuple[int, str]]:
    text = path.read_text()
    return [(text.count("\n", 0, found.start()) + 1, found[2]) for found in INCLUDE.finditer(text)
            if bracket == ('"' if found[2].startswith(OWN) else found[1])]


def layer_of(name: str) -> str:
    """'common/io', 'src/event', 'cgi-bin/event': the folder that decides."""
    return "/".join(name.split("/")[:2])


def home_of(root: pathlib.Path, header: str) -> str:
    """Where a header is made: sql/seat.h comes from the folder that has sql/seat.sql."""
    if not header.startswith("sql/"):
        return header
    name = header.removesuffix(".h") + ".sql"
    homes = [path for layer in ("src", "common") for path in (root / layer).glob(f"*/{name}")]
    return str(homes[0].relative_to(root)) if len(homes) == 1 else header


def allowed(name: str) -> set[str]:
    layer = layer_of(name)
    folder, _, part = layer.partition("/")
    if folder == "common":
        return {f"common/{room}" for room in ROOMS[: ROOMS.index(part) + 1]} if part in ROOMS else set()
    common = {f"common/{room}" for room in ROOMS if f"common/{room}" != HTTP}
    if folder == "cgi-bin":
        # main.c lists the settings of all that its program uses, the providers' included.
        settings = {"src/providers"} if name.endswith("/main.c") or part == "sandbox" else set()
        return {layer, f"src/{part}", "src/contract"} | common | {HTTP} | settings
    if part in ("contract", "providers"):
        return {layer} | common
    if part in TOOLS:
        # The registry lists the statements of all programs.
        jobs = {"src/maint"} if name == "src/boxctl/registry.c" else set()
        return {layer, "src/contract", "src/providers", *(f"src/{domain}" for domain in DOMAINS)} | common | jobs
    return {layer, "src/contract", "src/providers"} | common


def arrows(root: pathlib.Path) -> list[str]:
    complaints = []
    for path in program_files(root):
        name = str(path.relative_to(root))
        domains = set()
        for line, included in includes(path, '"'):
            header = home_of(root, included)
            if layer_of(header) not in allowed(name):
                complaints.append(f"{name}:{line}: {layer_of(name)} must not include {included}")
            if header.startswith("src/") and header.split("/")[1] in DOMAINS:
                domains.add(header.split("/")[1])
        if layer_of(name) in ("src/daemons", "src/maint") and len(domains) > 1:
            complaints.append(f"{name}: more than one domain: {' '.join(sorted(domains))}")
    return complaints


def vendor_headers(root: pathlib.Path) -> list[str]:
    users = {vendor: set() for vendor in VENDORS}
    for path in program_files(root):
        for _, header in includes(path, "<"):
            for vendor, (pattern, _) in VENDORS.items():
                if re.fullmatch(pattern, header):
                    users[vendor].add(str(path.relative_to(root)))
    complaints = []
    for vendor, names in users.items():
        room = f"common/{VENDORS[vendor][1]}"
        complaints += [f"{name}: {vendor} belongs in {room}" for name in sorted(names) if layer_of(name) != room]
        # A module may have several files: crypto.c, crypto_rsa.c.
        modules = {pathlib.Path(name).stem.split("_")[0] for name in names}
        if len(modules) > 1 and modules != SHARED.get(vendor):
            complaints.append(f"{vendor} is included by more than one module: {' '.join(sorted(names))}")
    return complaints
