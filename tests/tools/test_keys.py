"""boxctl keys: rings in the folder of secrets, whatever happens to the command that changes them."""
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from stacklib import programs  # noqa: E402
from stacklib.settings import Stack  # noqa: E402

BOXCTL = ROOT / "build" / "boxctl"
KINDS = ("jwt", "pii", "ticket", "queue", "service-user", "service-event", "service-queue",
         "service-reservation", "service-payment")
FILES = {"jwt": "jwt-keys", "pii": "pii-keys", "ticket": "ticket-key", "queue": "queue-key"}
YEAR_S = 365 * 24 * 3600


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    stack = Stack("test")
    stack.secrets = tmp_path / "secrets"
    programs.write_secrets(stack)
    return stack.secrets


def file_of(folder: pathlib.Path, kind: str) -> pathlib.Path:
    return folder / FILES.get(kind, kind.replace("service-", "service-key-"))


def start(folder: pathlib.Path, *words: str) -> subprocess.Popen:
    env = {"PATH": os.environ["PATH"], "BOX_SANDBOX": "1", "BOX_SECRETS_DIR": str(folder),
           "BOX_DB_URL": "postgresql://nobody@127.0.0.1:1/nowhere", "TZ": "UTC"}
    return subprocess.Popen([BOXCTL, "keys", *words], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def keys(folder: pathlib.Path, *words: str, status: int = 0) -> str:
    process = start(folder, *words)
    out, err = process.communicate(timeout=20)
    assert process.returncode == status, err
    return out if status == 0 else err


def listed(folder: pathlib.Path, kind: str) -> list[tuple[str, str, str]]:
    """Id, algorithm and state of each key."""
    rows = [re.split(r"\s{2,}", line) for line in keys(folder, "list", kind).splitlines()[1:]]
    return [(row[1], row[2], row[4]) for row in rows]


def entries(text: str) -> dict[str, str]:
    """Of a ring by name: what stands behind it."""
    return {re.sub(r"@\d+$", "", head): key for head, _, key in (entry.partition(":") for entry in text.split(",") if entry)}


def age(folder: pathlib.Path, kind: str, seconds: int) -> None:
    """The keys of the ring are in use for so much longer."""
    path = file_of(folder, kind)
    path.write_text(re.sub(r"@(\d+)", lambda at: f"@{int(at[1]) - seconds}", path.read_text()))


def assert_whole(folder: pathlib.Path) -> None:
    """Every ring can be used, and whatever signs is known to all who check."""
    keys(folder, "list")
    signing, checking = (entries((folder / name).read_text()) for name in ("jwt-keys", "jwt-verify-keys"))
    assert set(signing) <= set(checking)
    for kid, key in signing.items():
        if not key.startswith("ES256:"):
            assert checking[kid] == key
        else:
            assert checking[kid].startswith("ES256-public:") and key.split(":")[1] not in checking[kid]
    accepted = set((folder / "service-keys").read_text().split(","))
    for caller in programs.CALLERS:
        shown = (folder / f"service-key-{caller}").read_text().strip().split(",")
        assert {f"{caller}:{key.partition('@')[0]}" for key in shown} <= accepted


@pytest.mark.parametrize("kind", KINDS)
def test_new_key_waits_and_is_used_from_its_time_on(folder, kind):
    before = file_of(folder, kind).read_text().strip()
    keys(folder, "rotate", kind, "--after", "900")
    assert [state for _, _, state in listed(folder, kind)] == ["waits for its time", "in use"]
    after = file_of(folder, kind).read_text()
    assert after.endswith(before)
    assert 890 < int(re.search(r"@(\d+)", after)[1]) - time.time() <= 900
    age(folder, kind, 900)
    assert [state for _, _, state in listed(folder, kind)] == ["in use", "checks only"]
    assert_whole(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_rotation_repeated_before_its_time_makes_no_other_key(folder, kind):
    keys(folder, "rotate", kind)
    once = {path.name: path.read_text() for path in folder.iterdir()}
    keys(folder, "rotate", kind, "--after", "5")
    assert {path.name: path.read_text() for path in folder.iterdir()} == once


def test_private_keys_stay_with_who_signs(folder):
    keys(folder, "rotate", "jwt", "--algorithm", "ES256")
    private = entries((folder / "jwt-keys").read_text())["k2"]
    assert private.startswith("ES256:")
    for name in ("jwt-verify-keys", "jwt-public-keys"):
        assert "ES256:" not in (folder / name).read_text()
        assert entries((folder / name).read_text())["k2"].startswith("ES256-public:")
    assert set(entries((folder / "jwt-public-keys").read_text())) == {"k2"}  # no shared secret is among them
    age(folder, "jwt", 60)
    keys(folder, "rotate", "jwt")
    assert [algorithm for _, algorithm, _ in listed(folder, "jwt")] == ["ES256", "ES256", "HS256"]


def test_list_shows_no_secret(folder):
    for kind in KINDS:
        keys(folder, "rotate", kind, *(["--algorithm", "ES256"] if kind == "jwt" else []))
    shown = keys(folder, "list")
    for path in folder.iterdir():
        for secret in re.findall(r"[\w-]{32,}", path.read_text()):
            assert secret not in shown, path.name


def test_list_shows_the_others_when_one_ring_is_unreadable(folder):
    file_of(folder, "pii").unlink()
    process = start(folder, "list")
    out, err = process.communicate(timeout=20)
    assert process.returncode == 1 and "pii-keys" in err
    assert {line.split()[0] for line in out.splitlines()[1:]} == set(KINDS) - {"pii"}


def test_files_are_the_owners_alone(folder):
    for kind in KINDS:
        keys(folder, "rotate", kind)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    assert not list(folder.glob("*.part"))


def test_two_at_once_make_one_key(folder):
    for process in [start(folder, "rotate", "jwt") for _ in range(12)]:
        process.communicate(timeout=20)
        assert process.returncode == 0
    assert len(listed(folder, "jwt")) == 2
    assert_whole(folder)


def test_killed_anywhere_leaves_rings_that_work(folder):
    random.seed(7)
    for turn in range(60):
        kind = KINDS[turn % len(KINDS)]
        process = start(folder, "rotate", kind, *(["--algorithm", "ES256"] if kind == "jwt" else []))
        time.sleep(random.random() * 0.012)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        assert_whole(folder)
    for kind in KINDS:
        keys(folder, "rotate", kind, *(["--algorithm", "ES256"] if kind == "jwt" else []))
        assert len(listed(folder, kind)) == 2
    assert_whole(folder)


@pytest.mark.parametrize("kind,follows", [("jwt", "jwt-verify-keys"), ("service-queue", "service-keys")])
def test_nobody_signs_with_what_others_could_not_be_told(folder, kind, follows):
    (folder / f"{follows}.part").mkdir()  # where it would be written first
    before = file_of(folder, kind).read_text()
    assert follows in keys(folder, "rotate", kind, status=1)
    assert file_of(folder, kind).read_text() == before
    assert_whole(folder)


@pytest.mark.parametrize("kind,follows", [("jwt", "jwt-verify-keys"), ("service-queue", "service-keys")])
def test_nothing_is_forgotten_that_may_still_be_signed_with(folder, kind, follows):
    keys(folder, "rotate", kind)
    (folder / f"{file_of(folder, kind).name}.part").mkdir()
    before = (folder / follows).read_text()
    keys(folder, "retire", kind, listed(folder, kind)[0][0], status=1)
    assert (folder / follows).read_text() == before
    assert_whole(folder)


def test_key_in_use_is_not_retired(folder):
    for kind in KINDS:
        identity = listed(folder, kind)[0][0]
        assert "in use" in keys(folder, "retire", kind, identity, "--force", status=1)
        assert "no key" in keys(folder, "retire", kind, "k99", "--force", status=1)


def test_key_that_waits_can_be_dropped(folder):
    keys(folder, "rotate", "jwt")
    keys(folder, "retire", "jwt", "k2")
    assert [identity for identity, _, _ in listed(folder, "jwt")] == ["k1"]
    assert set(entries((folder / "jwt-verify-keys").read_text())) == {"k1"}


def test_token_key_stays_for_the_life_of_a_refresh_token(folder):
    keys(folder, "rotate", "jwt")
    age(folder, "jwt", 60 + 7 * 24 * 3600)
    assert "tokens" in keys(folder, "retire", "jwt", "k1", status=1)
    age(folder, "jwt", 60)
    keys(folder, "retire", "jwt", "k1")
    assert set(entries((folder / "jwt-verify-keys").read_text())) == {"k2"}


def test_stolen_token_key_can_be_dropped_at_once(folder):
    keys(folder, "rotate", "jwt", "--after", "2")
    age(folder, "jwt", 2)
    keys(folder, "retire", "jwt", "k1", status=1)
    keys(folder, "retire", "jwt", "k1", "--force")
    assert [identity for identity, _, _ in listed(folder, "jwt")] == ["k2"]


@pytest.mark.parametrize("kind", ["ticket", "queue"])
def test_keys_whose_work_has_no_known_end_go_by_force_alone(folder, kind):
    keys(folder, "rotate", kind)
    age(folder, kind, 10 * YEAR_S)
    assert "--force" in keys(folder, "retire", kind, "0", status=1)
    keys(folder, "retire", kind, "0", "--force")
    assert [identity for identity, _, _ in listed(folder, kind)] == ["1"]


def test_service_key_that_nobody_shows_any_more_is_no_longer_accepted(folder):
    old = (folder / "service-key-queue").read_text()
    keys(folder, "rotate", "service-queue")
    age(folder, "service-queue", 90)
    identity = listed(folder, "service-queue")[1][0]
    keys(folder, "retire", "service-queue", identity, status=1)
    age(folder, "service-queue", 60)
    keys(folder, "retire", "service-queue", identity)
    accepted = (folder / "service-keys").read_text()
    assert old not in accepted and accepted.count("queue:") == 1 and len(accepted.split(",")) == len(programs.CALLERS)


def test_key_of_personal_data_is_not_dropped_unseen(folder):
    """Nobody can say whether something is under it: there is no database here."""
    keys(folder, "rotate", "pii")
    age(folder, "pii", 3 * 24 * 3600)
    keys(folder, "retire", "pii", "1", "--force", status=1)
    assert len(listed(folder, "pii")) == 2


def test_ring_holds_eight_keys(folder):
    for _ in range(7):
        keys(folder, "rotate", "pii")
        age(folder, "pii", 60)
    assert "retire" in keys(folder, "rotate", "pii", status=1)
    assert [identity for identity, _, _ in listed(folder, "pii")] == list("87654321")


def test_what_follows_is_written_anew_after_a_ring_was_changed_by_hand(folder):
    keys(folder, "rotate", "jwt", "--algorithm", "ES256")
    (folder / "jwt-verify-keys").write_text("lost")
    (folder / "service-keys").write_text("lost")
    keys(folder, "publish")
    assert_whole(folder)


@pytest.mark.parametrize("words", [
    [], ["rotate"], ["rotate", "jwt", "--after"], ["rotate", "jwt", "--after", "1"], ["rotate", "jwt", "--after", "x"],
    ["rotate", "jwt", "--force"], ["retire", "jwt"], ["retire"], ["publish", "jwt"], ["reseal", "pii"], ["steal"],
    ["list", "jwt", "all"],
])
def test_words_that_mean_nothing_are_a_usage_error(folder, words):
    keys(folder, *words, status=2)


@pytest.mark.parametrize("kind,why", [("blind", "blind indexes"), ("nothing", "no kind 'nothing'")])
def test_kind_that_cannot_be_rotated_is_told(folder, kind, why):
    assert why in keys(folder, "rotate", kind, status=1)


@pytest.mark.parametrize("kind,text", [
    ("jwt", "k1:short"), ("jwt", "k1:ES256:AAAA"), ("pii", "1:00"), ("ticket", "short"), ("ticket", "1:short"),
    ("service-queue", "no-uuid"), ("jwt", ""),
])
def test_ring_that_no_program_could_use_is_not_touched(folder, kind, text):
    file_of(folder, kind).write_text(text)
    keys(folder, "rotate", kind, status=1)
    keys(folder, "retire", kind, "1", "--force", status=1)
    assert file_of(folder, kind).read_text() == text
