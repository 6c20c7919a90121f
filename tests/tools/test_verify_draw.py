"""scripts/verify-draw as somebody runs it who was in the line, and the draw itself against its vectors."""
import functools
import hashlib
import hmac
import http.server
import io
import json
import pathlib
import runpy
import signal
import subprocess
import sys
import threading
import types
import uuid

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import drawlib  # noqa: E402

SCRIPT = ROOT / "scripts/verify-draw"
VECTORS = json.loads((ROOT / "tests/vectors/draw.json").read_text())
VERIFIED, MISMATCH, UNUSABLE = 0, 1, 2
SCHEDULE = "018f3c0e-7d2a-7c1b-9a33-5f0f3b1d2c4e"
SEED = bytes(range(32))
COUNT = 40


def document(**changes) -> dict:
    """What GET /queue/draw answers after the opening."""
    return {"scheduleId": SCHEDULE, "commitment": hashlib.sha256(SEED).hexdigest(), "algorithm": drawlib.ALGORITHM,
            "count": COUNT, "openedAt": "2026-06-01T19:00:00+09:00", "seed": SEED.hex()} | changes


@pytest.fixture
def verify(capsys, monkeypatch):
    """verify(*words) runs the script, in this process, which takes no time; the draw is on its standard input."""
    on_closed_pipe = signal.getsignal(signal.SIGPIPE)

    def run(*words, draw: dict | str = "", source: str | pathlib.Path = "-") -> types.SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["verify-draw", "--draw", *map(str, (source, *words))])
        monkeypatch.setattr(sys, "stdin", io.StringIO(draw if isinstance(draw, str) else json.dumps(draw)))
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(SCRIPT))
        printed = capsys.readouterr()
        return types.SimpleNamespace(returncode=end.value.code, stdout=printed.out, stderr=printed.err)

    yield run
    signal.signal(signal.SIGPIPE, on_closed_pipe)


def sequences() -> list[int]:
    """Of all arrivals of document(), in order."""
    draw = drawlib.Draw(SEED, uuid.UUID(SCHEDULE), COUNT)
    return [draw.sequence(arrival) for arrival in range(1, COUNT + 1)]


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words) -> None:
        """The test's output is no access log."""


def place_as_written(seed: bytes, schedule: bytes, count: int, number: int) -> int:
    """The algorithm of docs/queue.md, word for word and slowly."""
    def mac(key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, hashlib.sha256).digest()

    key = mac(seed, b"boxoffice draw v1" + b"\x00" + schedule + count.to_bytes(8, "big"))
    w = next(w for w in range(1, 33) if 2 ** (2 * w) >= count)
    place = number
    while True:
        left, right = place >> w, place % 2**w
        for i in range(10):
            f = int.from_bytes(mac(key, bytes([i]) + right.to_bytes(4, "big"))[:8], "big") % 2**w
            left, right = right, left ^ f
        place = left << w | right
        if place < count:
            return place


# ---- the permutation ----


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["count"]))
def test_vectors_are_those_of_the_algorithm_as_written(vector):
    seed, schedule = bytes.fromhex(vector["seed"]), uuid.UUID(vector["scheduleId"])
    draw = drawlib.Draw(seed, schedule, vector["count"])
    assert vector["pairs"][0][0] == 1 and vector["pairs"][-1][0] == vector["count"]
    for arrival, sequence in vector["pairs"]:
        assert draw.sequence(arrival) == sequence
        assert place_as_written(seed, schedule.bytes, vector["count"], arrival - 1) + 1 == sequence


def test_vectors_are_made_anew_the_same(tmp_path):
    done = subprocess.run([ROOT / "scripts/draw-vectors", tmp_path], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in ("draw.json", "draw_vectors.h"):
        assert (tmp_path / name).read_text() == (ROOT / "tests/vectors" / name).read_text()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 1000, 4097])
def test_draw_gives_every_place_once(count):
    draw = drawlib.Draw(SEED, uuid.UUID(SCHEDULE), count)
    assert sorted(draw.place(number) for number in range(count)) == list(range(count))


def test_draw_depends_on_seed_schedule_and_count():
    draws = [drawlib.Draw(SEED, uuid.UUID(SCHEDULE), 1000), drawlib.Draw(SEED[::-1], uuid.UUID(SCHEDULE), 1000),
             drawlib.Draw(SEED, uuid.UUID(int=1), 1000), drawlib.Draw(SEED, uuid.UUID(SCHEDULE), 1001)]
    assert len({tuple(draw.place(number) for number in range(100)) for draw in draws}) == len(draws)


# ---- what is printed ----


def test_arrivals_are_told_their_sequence_and_latecomers_keep_theirs(verify):
    done = verify(1, COUNT, COUNT + 1, 1000, draw=document())
    expected = sequences()
    assert (done.returncode, done.stderr) == (VERIFIED, "")
    assert done.stdout.splitlines() == [
        f"the seed matches the commitment; {COUNT} in the draw",
        f"arrival 1 -> sequence {expected[0]}",
        f"arrival {COUNT} -> sequence {expected[-1]}",
        f"arrival {COUNT + 1} -> sequence {COUNT + 1}",
        "arrival 1000 -> sequence 1000",
    ]


def test_all_prints_every_arrival(verify):
    done = verify("--all", draw=document())
    assert done.returncode == VERIFIED
    assert done.stdout.splitlines()[1:] == [
        f"arrival {arrival} -> sequence {sequence}" for arrival, sequence in enumerate(sequences(), 1)]


def test_empty_draw_is_verified(verify):
    done = verify("--all", 1, draw=document(count=0))
    assert done.returncode == VERIFIED
    assert done.stdout.splitlines() == ["the seed matches the commitment; 0 in the draw", "arrival 1 -> sequence 1"]


def test_draw_is_read_from_a_file_and_from_a_url(verify, tmp_path):
    (tmp_path / "draw").write_text(json.dumps(document()))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietFiles, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        for source in (tmp_path / "draw", f"{url}/draw"):
            done = verify(3, source=source)
            assert done.returncode == VERIFIED, done.stderr
            assert done.stdout.splitlines()[1] == f"arrival 3 -> sequence {sequences()[2]}"
        done = verify(source=f"{url}/none")
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == UNUSABLE
    assert done.stderr == f"verify-draw: {url}/none cannot be read: HTTP Error 404: File not found\n"


def test_reader_that_has_seen_enough_is_no_error(tmp_path):
    """Here the script is a process of its own; what it prints is more than a pipe holds."""
    (tmp_path / "draw").write_text(json.dumps(document(count=10_000)))
    with subprocess.Popen([SCRIPT, "--draw", tmp_path / "draw", "--all"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as running:
        assert running.stdout.readline() == "the seed matches the commitment; 10000 in the draw\n"
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == -signal.SIGPIPE


# ---- checking what people were told ----


@pytest.mark.parametrize("form", ["{0} {1}\n", '{{"arrival": {0}, "sequence": {1}}}\n'], ids=["plain", "json"])
def test_check_counts_what_matches(verify, tmp_path, form):
    lines = [form.format(arrival, sequence) for arrival, sequence in enumerate(sequences(), 1)]
    (tmp_path / "told").write_text("".join(lines) + "\n" + form.format(COUNT + 7, COUNT + 7))
    done = verify("--check", tmp_path / "told", draw=document())
    assert done.returncode == VERIFIED
    assert done.stdout.splitlines()[1:] == [f"{COUNT + 1} of {COUNT + 1} match"]


def test_check_names_what_does_not_match(verify, tmp_path):
    right = sequences()
    (tmp_path / "told").write_text(f"1 {right[0]}\n2 {right[0]}\n\n3 {right[2]}\n{COUNT + 1} 1\n")
    done = verify("--check", tmp_path / "told", draw=document())
    assert done.returncode == MISMATCH
    assert done.stdout.splitlines()[1:] == [
        f"line 2: arrival 2 has sequence {right[1]}, not {right[0]}",
        f"line 5: arrival {COUNT + 1} has sequence {COUNT + 1}, not 1",
        "2 of 4 match",
    ]


@pytest.mark.parametrize("text", [
    "1\n", "1 2 3\n", "0 1\n", "one 1\n", "{\n", '{"arrival": 1}\n', '{"arrival": 1, "sequence": "2"}\n',
    '{"arrival": true, "sequence": 2}\n',
])
def test_check_of_a_wrong_line_says_which(verify, tmp_path, text):
    (tmp_path / "told").write_text(f"1 {sequences()[0]}\n{text}")
    done = verify("--check", tmp_path / "told", draw=document())
    assert (done.returncode, done.stdout) == (UNUSABLE, "")
    assert done.stderr == ("verify-draw: line 2 is not an arrival and a sequence, two integers from 1: "
                           f"{text.strip()}\n")


def test_check_of_nothing_verifies_nothing(verify, tmp_path):
    (tmp_path / "told").write_text("\n")
    done = verify("--check", tmp_path / "told", draw=document())
    assert (done.returncode, done.stderr) == (UNUSABLE, "verify-draw: there is no line to check\n")


# ---- refusals ----


def test_seed_that_was_not_committed_to_does_not_match(verify):
    other = bytes(32)
    done = verify(1, draw=document(seed=other.hex()))
    assert (done.returncode, done.stdout) == (MISMATCH, "")
    assert done.stderr == (f"verify-draw: does not match: SHA-256 of the seed is {hashlib.sha256(other).hexdigest()}, "
                           f"but the commitment is {document()['commitment']}\n")


def test_noted_commitment_is_compared(verify):
    noted = document()["commitment"]
    assert verify("--commitment", noted.upper(), draw=document()).returncode == VERIFIED
    other = bytes(32)
    exchanged = document(seed=other.hex(), commitment=hashlib.sha256(other).hexdigest())
    assert verify(draw=exchanged).returncode == VERIFIED
    done = verify("--commitment", noted, draw=exchanged)
    assert (done.returncode, done.stdout) == (MISMATCH, "")
    assert f"the commitment is now {exchanged['commitment']}, but {noted} was noted before" in done.stderr


def test_draw_before_the_opening_is_told_from_a_wrong_one(verify):
    unopened = document(seed=None, count=None, openedAt=None)
    done = verify(1, draw=unopened)
    assert (done.returncode, done.stdout) == (UNUSABLE, "")
    assert done.stderr == "verify-draw: the sale has not opened yet: the seed is still secret\n"
    assert verify("--commitment", "0" * 64, draw=unopened).returncode == MISMATCH


def test_unknown_algorithm_is_not_guessed(verify):
    done = verify(1, draw=document(algorithm="feistel-v2"))
    assert done.returncode == UNUSABLE
    assert done.stderr == f"verify-draw: the algorithm feistel-v2 is unknown here; known is {drawlib.ALGORITHM}\n"


@pytest.mark.parametrize("draw, words", [
    ("{", "the draw is not JSON: "),
    ("[" * 200_000, "the draw is not JSON: "),
    ("[]", "the draw is not a JSON object"),
    (document(seed="ab"), "the draw's seed is not 64 lower-case hexadecimal digits"),
    (document(seed=SEED.hex() + "\n"), "the draw's seed is not 64 lower-case hexadecimal digits"),
    (document(commitment=None), "the draw's commitment is not 64 lower-case hexadecimal digits"),
    (document(scheduleId="1"), "the draw's scheduleId is not a UUID in lower case"),
    (document(algorithm=1), "the draw's algorithm is not a name"),
    (document(count=-1), "the draw's count is not an integer from 0 to 4294967296"),
    (document(count=True), "the draw's count is not an integer from 0 to 4294967296"),
    (document(count=2**33), "the draw's count is not an integer from 0 to 4294967296"),
])
def test_malformed_draw_is_named(verify, draw, words):
    done = verify(1, draw=draw)
    assert (done.returncode, done.stdout) == (UNUSABLE, "")
    assert done.stderr.startswith(f"verify-draw: {words}")


@pytest.mark.parametrize("words", [["0"], ["-1"], ["1.5"], ["first"], ["--commitment", "abc"], ["--check", "/nowhere"]])
def test_wrong_words_are_usage(verify, words):
    done = verify(*words, draw=document())
    assert (done.returncode, done.stdout) == (UNUSABLE, "")
    assert "verify-draw: " in done.stderr and "Traceback" not in done.stderr
