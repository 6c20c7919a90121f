"""The schedule of boxoffice-maint: one table, printed as a crontab, which the local stack and the containers read."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAINT = ROOT / "build" / "boxoffice-maint"
sys.path.insert(0, str(ROOT / "scripts"))

from stacklib import programs, schedule  # noqa: E402


def printed(option):
    return subprocess.run([MAINT, option], text=True, capture_output=True, check=True, env={}).stdout


def test_every_job_stands_in_the_crontab_with_five_fields_and_the_program_s_path():
    listed = re.findall(r"^  ([a-z-]+) ", printed("--help"), re.M)
    lines = [line for line in printed("--crontab").splitlines() if not line.startswith("#")]
    assert listed and len(lines) == len(listed)
    for line, job in zip(lines, listed):
        assert re.fullmatch(rf"([0-9*/,-]+ ){{5}}{re.escape(str(MAINT))} {job} # as {programs.PROGRAMS[f'maint-{job}'].role}", line)


def test_holds_expire_each_minute():
    job = next(job for job in schedule.jobs(MAINT) if job.name == "expire-holds")
    assert schedule.snooze_words(job.fields) == ["-M*", "-H*", "-d*", "-m*", "-w*", "-S0"]


def test_steps_are_written_as_snooze_reads_them():
    job = schedule.parse("# a comment\n*/5 3 1-7 * 0 /usr/bin/boxoffice-maint purge\n")[0]
    assert schedule.snooze_words(job.fields) == ["-M/5", "-H3", "-d1-7", "-m*", "-w0", "-S0"]


def test_snooze_takes_every_schedule():
    for job in schedule.jobs(MAINT):
        done = subprocess.run([schedule.program("snooze"), "-n", *schedule.snooze_words(job.fields)],
                              text=True, capture_output=True)
        assert done.returncode == 0, done.stderr


def test_without_a_program_there_is_no_schedule(tmp_path):
    assert schedule.jobs(tmp_path / "boxoffice-maint") == []
