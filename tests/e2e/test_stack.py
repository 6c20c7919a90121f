"""The local stack as its operator sees it: what is up stays up, and down is down. What dies is tests/faults."""
import collections
import json
import os
import pathlib
import socket
import stat
import subprocess
import threading
import time

import pytest
import requests

from box_office import metric
from stacklib.programs import ROLES
from stacklib.settings import postgresql_bin
from stack_tools import alive, children, healthy, service_pid, sv

ROOT = pathlib.Path(__file__).parents[2]
RESPONDERS = ("user", "login", "outside", "event", "queue", "reservation", "payment", "gateway")


def test_reads_do_not_notice_a_pool_that_is_down(stack):
    sv(stack, "down", "event-1")
    try:
        answers = [requests.get(f"{stack.gateway_url}/events", timeout=10).status_code for _ in range(20)]
    finally:
        sv(stack, "up", "event-1")
    assert answers == [200] * 20


def test_demo_plays_the_whole_way(stack):
    done = subprocess.run([ROOT / "scripts/demo", "--stack", stack.name], text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "reservation CONFIRMED  seats SOLD 2  charges 1  outbox empty" in done.stdout


def test_job_tells_what_it_did_and_when_it_last_succeeded(stack, internal_url):
    def told(name: str) -> int:
        return metric(internal_url, f"boxoffice_job_{name}", job="accounts")

    failures, began = told("failures_total"), int(time.time())
    assert stack.run("exec", "boxoffice-maint", "accounts").returncode == 0
    assert began <= told("last_success_timestamp_seconds") <= time.time()
    assert told("failures_total") == failures


# ---- up again ----


def test_new_binary_is_taken_up_without_a_lost_request(stack):
    """A byte after the program's end makes a new binary of it that does the same."""
    binary = ROOT / "build" / "user.fcgi"
    old = binary.read_bytes()
    before = {pool: children(service_pid(stack, pool)) for pool in ("user-1", "user-2")}
    stop, answers = threading.Event(), collections.Counter()

    def ask() -> None:
        while not stop.is_set():
            answer = requests.post(f"{stack.gateway_url}/auth/refresh", json={"refreshToken": "none"}, timeout=30)
            answers[answer.status_code] += 1

    def put(octets: bytes) -> None:
        part = binary.with_name("user.fcgi.new")
        part.write_bytes(octets)
        part.chmod(0o755)
        part.replace(binary)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        put(old + b"\0")
        done = stack.run("up")
    finally:
        put(old)
        stop.set()
        for client in clients:
            client.join()
    assert done.returncode == 0, done.stderr
    for pool, pids in before.items():
        assert children(service_pid(stack, pool)).isdisjoint(pids), pool
    assert set(answers) == {401} and answers[401] > 20, answers
    assert stack.run("up").returncode == 0


def test_up_again_changes_nothing_and_is_quick(stack):
    names = [path.name for path in (stack.dir / "service").iterdir()]
    before = {name: service_pid(stack, name) for name in names if not name.startswith("maint")}
    began = time.monotonic()
    done = stack.run("up")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 10
    assert {name: service_pid(stack, name) for name in before} == before


def test_taken_port_is_one_sentence_that_names_the_setting(stack):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = stack.run("up", env={"BOX_GATEWAY_PORT": str(port)})
    assert done.returncode != 0
    assert done.stderr.strip() == f"stack: port {port} is taken: stop what uses it, or set BOX_GATEWAY_PORT"
    assert healthy(stack)


def test_setting_that_is_no_number_is_one_sentence(stack):
    done = stack.run("up", env={"BOX_EVENT_PROCESSES": "many"})
    assert done.stderr.strip() == "stack: BOX_EVENT_PROCESSES must be a number from 1 to 1000, not 'many'"


# ---- who may reach what ----


def test_sockets_are_closed_to_others(stack):
    sockets = [path for path in (stack.dir / "run").rglob("*") if path.is_socket()]
    assert len(sockets) >= 2 * len(RESPONDERS)
    for path in sockets:
        mode = path.stat().st_mode
        assert not mode & stat.S_IRWXO, path
        if path.name.endswith(".sock"):
            assert stat.S_IMODE(mode) == 0o660, path


def test_secrets_are_the_owners_alone(stack):
    files = [*(stack.dir / "secrets").iterdir(), *(stack.dir / "env").rglob("BOX_*")]
    assert files and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)


@pytest.mark.parametrize("program,never", [
    ("event", {"BOX_PII_KEYS_FILE", "BOX_BLIND_KEY_FILE"}),
    ("queue", {"BOX_DB_URL", "BOX_PII_KEYS_FILE"}),
    ("sandbox", {"BOX_DB_URL", "BOX_JWT_KEYS_FILE", "BOX_SERVICE_KEYS_FILE", "BOX_PII_KEYS_FILE"}),
    ("outbox-relay", {"BOX_JWT_KEYS_FILE", "BOX_REDIS_URL", "BOX_PII_KEYS_FILE"}),
])
def test_program_is_told_only_what_it_needs(stack, program, never):
    told = {path.name for path in (stack.dir / "env" / program).iterdir()}
    assert told and not told & never


@pytest.mark.parametrize("database,why", [("boxoffice", ""), ("postgres", "pg_hba.conf rejects"),
                                          ("template1", "pg_hba.conf rejects")])
@pytest.mark.parametrize("role", ROLES)
def test_programs_role_goes_into_our_database_only(stack, role, database, why):
    password = (stack.dir / "secrets" / f"db-{role}").read_text()
    done = subprocess.run([postgresql_bin() / "psql", "-XAtq", "-h", stack.dir / "run" / "pg", "-U", role, "-c", "SELECT 1",
                           database], env=os.environ | {"PGPASSWORD": password}, text=True, capture_output=True, timeout=20)
    assert why in done.stderr and (done.returncode == 0) == (why == ""), done.stderr


def test_logs_of_our_programs_are_json(stack):
    for service in ("queue-approver-1", "outbox-relay", "payment-saga-1"):
        lines = (stack.log / service / "current").read_text().splitlines()
        assert lines and all("msg" in json.loads(line) for line in lines), service


# ---- down ----


def test_down_leaves_nothing_running_and_up_keeps_the_data(stack, query):
    before = query("SELECT count(*) FROM reservation_service.reservations WHERE status = 'CONFIRMED'")
    pids = [service_pid(stack, path.name) for path in (stack.dir / "service").iterdir()]
    pids += [child for pid in pids for child in children(pid)]
    done = stack.run("down")
    assert done.returncode == 0, done.stderr
    try:
        assert not [pid for pid in pids if alive(pid)]
        assert not [path for path in (stack.dir / "run").rglob("*") if path.is_socket()]
    finally:
        again = stack.run("up")
    assert again.returncode == 0, again.stderr
    assert query("SELECT count(*) FROM reservation_service.reservations WHERE status = 'CONFIRMED'") == before
    assert before != [["0"]]
