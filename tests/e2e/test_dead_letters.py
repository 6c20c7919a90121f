"""Messages that nobody can handle: an operator looks at them, sends them again, or lets them be (EVT-020)."""
import subprocess
import uuid

import pytest

from box_office import wait_for


@pytest.fixture(scope="module")
def brokers(stack):
    lines = stack.run("env").stdout.splitlines()
    return next(line.split("=", 1)[1] for line in lines if line.startswith("BOX_KAFKA_BROKERS="))


@pytest.fixture
def dlq(stack):
    """dlq(*words) is the finished command."""
    return lambda *words: stack.run("exec", "boxctl", "dlq", *words)


@pytest.fixture
def say(brokers):
    """say(topic, text) writes one message."""
    def run(topic: str, text: str) -> None:
        subprocess.run(["kcat", "-P", "-b", brokers, "-t", topic, "-k", "nobody"], input=text, text=True, check=True,
                       timeout=30)
    return run


def letters(dlq, topic: str) -> dict[str, str]:
    done = dlq("list", topic)
    assert done.returncode == 0, done.stderr
    return {line.split("\t")[0]: line for line in done.stdout.splitlines() if line.startswith(topic)}


def about(dlq, text: str) -> set[str]:
    return {place for place in letters(dlq, "dlq.reservation") if text in dlq("show", place).stdout}


def test_message_that_is_none_is_listed_shown_sent_again_and_dropped(dlq, say, query):
    text = f"no event {uuid.uuid4()}"
    say("reservation.events", text + "\x1b[2J\x9b2J가\x7f")
    first = wait_for("a letter of each of its two readers", lambda: len(found := about(dlq, text)) == 2 and found)
    place, other = sorted(first)
    told = letters(dlq, "dlq.reservation")[place].split("\t")
    assert told[1].startswith("from reservation.events/") and told[3:] == ["attempts 1", "INVALID_EVENT"]
    assert {letters(dlq, "dlq.reservation")[letter].split("\t")[2] for letter in first} == {
        "group event-reservation-consumer", "group payment-reservation-consumer"}
    shown = dlq("show", place).stdout
    assert "key\tnobody" in shown and f"{text}?[2J?2J가?\n" in shown

    done = dlq("replay", place)
    assert (done.returncode, done.stdout) == (0, f"{place} REPLAYED\n")
    refused = dlq("replay", place)
    assert refused.returncode == 1 and "boxctl dlq list" in refused.stderr
    both = wait_for("the letter of the second try", lambda: len(found := about(dlq, text)) == 2 and found)
    again, = both - {other}
    assert letters(dlq, "dlq.reservation")[again].split("\t")[1:] == [told[1], told[2], "attempts 2", "INVALID_EVENT"]
    assert place not in both

    for letter in sorted(both):
        done = dlq("drop", letter, "was never an event")
        assert (done.returncode, done.stdout) == (0, f"{letter} DROPPED\n")
    assert not about(dlq, text)
    offset = other.partition(":")[2]
    assert query("SELECT action, reason FROM common.dead_letters_done "
                 f"WHERE topic = 'dlq.reservation' AND record_offset = {offset}") == [["DROPPED", "was never an event"]]


@pytest.mark.parametrize("words", [
    (), ("list", "dlq.other"), ("list", "reservation.events"), ("show", "dlq.event"), ("show", "all"), ("show", "dlq.event:"),
    ("show", "dlq.event:-1"), ("show", "dlq.event:1x"), ("show", "dlq.event:" + "9" * 30), ("replay",), ("drop", "dlq.event:1"),
    ("drop", "dlq.event:1", ""), ("drop", "dlq.event:1", "x" * 501), ("purge", "all")])
def test_words_that_mean_nothing_are_a_usage_error_and_do_nothing(dlq, words, query):
    before = query("SELECT count(*) FROM common.dead_letters_done")
    assert dlq(*words).returncode == 2
    assert query("SELECT count(*) FROM common.dead_letters_done") == before


def test_letter_that_is_not_there_is_told(dlq):
    done = dlq("show", "dlq.payment:99999999")
    assert done.returncode == 1 and "no such dead letter" in done.stderr
