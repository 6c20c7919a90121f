"""Writing files so that a change is noticed and a crash leaves no half of one."""
import hashlib
import os
import pathlib


def write(path: pathlib.Path, text: str, mode: int = 0o644) -> None:
    """Replaces the file when its text or mode differs."""
    data = text.encode()
    if path.exists() and path.read_bytes() == data and path.stat().st_mode & 0o777 == mode:
        return
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
    part.replace(path)


def digest(paths: list[pathlib.Path]) -> str:
    """Of the files' names and contents; folders count with all they hold."""
    total = hashlib.sha256()
    for path in paths:
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            total.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def tail(path: pathlib.Path, lines: int) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""
