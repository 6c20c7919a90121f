"""When the jobs of boxoffice-maint run: its own table, told to snooze, which starts a command at a given time."""
import pathlib
import subprocess
from dataclasses import dataclass

from stacklib.settings import Failure, Stack, program

# The fields of a crontab's line in their order, as snooze names them.
FIELDS = ("-M", "-H", "-d", "-m", "-w")
EVERY_MINUTE = ("*",) * len(FIELDS)


@dataclass(frozen=True)
class Job:
    name: str
    binary: str
    fields: tuple[str, ...]


def jobs(binary: pathlib.Path) -> list[Job]:
    """None before the program is built."""
    if not binary.exists():
        return []
    text = subprocess.run([binary, "--crontab"], text=True, capture_output=True, check=True).stdout
    return parse(text)


def parse(crontab: str) -> list[Job]:
    lines = [line.split() for line in crontab.splitlines() if line and not line.startswith("#")]
    return [Job(words[6], words[5], tuple(words[:5])) for words in lines]


def snooze_words(fields: tuple[str, ...], second: str = "0") -> list[str]:
    """A crontab's "*/5" is snooze's "/5"; the rest is written alike."""
    words = [option + field.replace("*/", "/") for option, field in zip(FIELDS, fields, strict=True)]
    return [*words, f"-S{second}"]


def command(stack: Stack, job: Job) -> list:
    """Waits for the next time and becomes the job: whoever supervises it starts it anew afterwards."""
    return [program("snooze"), *snooze_words(job.fields, _second(stack, job)), job.binary, job.name]


def _second(stack: Stack, job: Job) -> str:
    every = stack["BOX_MINUTE_JOBS_PERIOD_S"] if job.fields == EVERY_MINUTE else 60
    if 60 % every != 0:
        raise Failure(f"BOX_MINUTE_JOBS_PERIOD_S must divide 60, not be {every}")
    return "0" if every == 60 else f"/{every}"
