"""Rows about accounts: what a login costs beside its bcrypt, what it takes from others, what a profile costs."""
import subprocess

import stage
from accountlib import Accounts
from benchlib.routes import warm_up
from benchlib.tools import Hello, ratio, say, wrk, wrk_command, wrk_together

BUILD = stage.ROOT / "build"
PEOPLE = 64
CROWD = 50000
LOGIN_SECONDS = 6  # a few hundred logins, and one hangs over the end


def accounts_of(bench) -> Accounts:
    if bench.accounts is None:
        say(f"{PEOPLE} people sign up")
        bench.accounts = Accounts(bench.stack, PEOPLE)
    return bench.accounts


def processes_of(stack) -> int:
    return stack["BOX_LOGIN_INSTANCES"] * stack["BOX_LOGIN_PROCESSES"]


def login_vs_bcrypt(bench) -> dict:
    """The stack's cost is that of production; as many processes check passwords as there are of the login pools."""
    bodies = accounts_of(bench).write_logins(BUILD / "bench-logins")
    seconds = max(bench.seconds, LOGIN_SECONDS)
    command = [BUILD / "tests/load/bcrypt", str(processes_of(bench.stack)), str(seconds), cost_of(bench.stack)]
    raw, logins = [], []
    for _ in range(bench.rounds):
        raw.append(float(subprocess.run(command, check=True, text=True, capture_output=True).stdout))
        logins.append(wrk("login", f"{bench.stack.gateway_url}/auth/login", seconds, "status.lua",
                          bodies, "bodies")["per_second"])
    return ratio(logins, raw, "logins/s", 0.9)


def cost_of(stack) -> str:
    told = subprocess.run([stage.ROOT / "scripts/stack", "--stack", stack.name, "exec", "user", "--dump-config"], check=True,
                          text=True, capture_output=True).stdout
    return next(line.split("=")[1].split()[0] for line in told.splitlines() if line.startswith("BOX_USER_BCRYPT_COST"))


def status_under_logins(bench) -> dict:
    """The whole queue answers as before while every process of the login pools has passwords to check."""
    line = bench.lines.of(CROWD)
    tokens = line.write_tokens(BUILD / "bench-tokens")
    bodies = accounts_of(bench).write_logins(BUILD / "bench-logins")
    url = line.url("/queue/status")
    warm_up(url, tokens)
    alone, beside = [], []
    for _ in range(bench.rounds):
        alone.append(wrk("status", url, bench.seconds, "status.lua", tokens)["per_second"])
        both = wrk_together({
            "status": wrk_command(url, bench.seconds, "status.lua", tokens),
            "login": wrk_command(f"{bench.stack.gateway_url}/auth/login", bench.seconds, "status.lua", bodies, "bodies"),
        })
        beside.append(both["status"]["per_second"])
        say(f"{both['login']['per_second']} logins/s beside")
    return ratio(beside, alone, "requests/s", 0.8)


def profile_vs_hello(bench) -> dict:
    tokens = accounts_of(bench).write_tokens(BUILD / "bench-profiles", bench.signer)
    hello, profile = [], []
    with Hello(bench.stack) as simple:
        for _ in range(bench.rounds):
            hello.append(wrk("hello", simple.url, bench.seconds, "status.lua", tokens)["per_second"])
            profile.append(wrk("profile", f"{bench.stack.gateway_url}/users/me", bench.seconds, "status.lua",
                               tokens)["per_second"])
    return ratio(profile, hello, "requests/s", 0.5)
