"""The same requests to us and to the peers, alternately."""
import dataclasses
import pathlib
import statistics

import stage
from benchlib.cpu import per_request
from benchlib.lines import Line, user_of
from benchlib.tools import Redis, forget_markers, say, wrk
from peers.servers import Server

US = "us"
CHUNK = 1000
WARM_RUNS_MAX = 20
# Users made ready for a run of entering: for so many a second, and for so much more than the fastest run so far. Beside
# other work the next run may be several times as fast.
ENTERS_PER_S_LEAST = 40000
SPARE = 2


@dataclasses.dataclass
class Row:
    """One route with so many clients: what wrk has found of each side, round by round."""

    route: str
    clients: int
    runs: dict[str, list[dict]]

    @property
    def name(self) -> str:
        return f"{self.route}_{self.clients}"

    def median(self, side: str, figure: str) -> float:
        return statistics.median(run[figure] for run in self.runs[side])

    def cpu_us(self, side: str) -> dict[str, float]:
        """Microseconds of processor time per request by program, without what is less than one; the most first."""
        names = {name for run in self.runs[side] for name in run["cpu_us"]}
        found = {name: statistics.median(run["cpu_us"].get(name, 0) for run in self.runs[side]) for name in names}
        return {name: time for name, time in sorted(found.items(), key=lambda one: -one[1]) if time >= 1}

    def ratio(self, figure: str, *peers: str) -> float:
        """Ours ÷ the least of these peers' in the same round; the median of the rounds."""
        ours, *theirs = (self.runs[side] for side in (US, *peers))
        return statistics.median(mine[figure] / min(other[figure] for other in others)
                                 for mine, *others in zip(ours, *theirs))


class Sides:
    """Us and the peers, with the same people in the line that is asked about."""

    def __init__(self, stack, signer: stage.Signer, servers: list[Server], folder: pathlib.Path):
        self.stack, self.signer, self.servers = stack, signer, servers
        self.urls = {US: stack.gateway_url, **{server.name: server.url for server in servers}}
        self.folder = folder
        self.users = 0
        self.fastest = 0.0

    # ---- people ----

    def load(self, line: Line) -> None:
        """Puts the people of our line into the peers' as well; there is nothing else in their databases then."""
        self.line = line
        self.tokens = line.write_tokens(self.folder / "peers-tokens")
        scored = [(number, user_of(line.salt, number)) for number in range(line.people)]
        redis = Redis(self.stack)
        for server in self.servers:
            redis("SELECT", server.database)
            redis("FLUSHDB")
            for at in range(0, len(scored), CHUNK):
                words = [word for pair in scored[at:at + CHUNK] for word in pair]
                redis("ZADD", f"line:{line.schedule}", *words)

    def _write_new_users(self, count: int) -> pathlib.Path:
        path = self.folder / "peers-enters"
        with open(path, "w") as file:
            for number in range(self.users, self.users + count):
                file.write(self.signer.access_token(user_of(b"new user", number)) + "\n")
        self.users += count
        return path

    # ---- runs ----

    def _status(self, side: str, seconds: int, clients: int) -> dict:
        url = f"{self.urls[side]}/queue/status?scheduleId={self.line.schedule}"
        return per_request(
            lambda: wrk(f"status of {side}", url, seconds, "status.lua", self.tokens, connections=clients))

    def _enter(self, side: str, seconds: int, clients: int, tokens: pathlib.Path, schedule: str, *more: str) -> dict:
        url = f"{self.urls[side]}/queue/enter"
        run = per_request(lambda: wrk(f"enter of {side}", url, seconds, "enter.lua", tokens, "0/1", schedule, *more,
                                      connections=clients))
        self.fastest = max(self.fastest, run["per_second"])
        return run

    def _alternate(self, rounds: int, run) -> dict[str, list[dict]]:
        """run(round) readies a round and answers how a side is measured in it. Each round begins with another side."""
        names = list(self.urls)
        runs = {side: [] for side in names}
        for number in range(rounds):
            measure = run()
            first = number % len(names)
            for side in names[first:] + names[:first]:
                runs[side].append(measure(side))
        return runs

    def warm_up(self, route: str, seconds: int, clients: int) -> None:
        """One run of each side that does not count; more of a peer that has to compile itself first. Nobody is new here: the
        people of the line ask, or enter again."""
        wanted = {US: 0, **{server.name: server.warm_up_requests for server in self.servers}}
        for side, requests in wanted.items():
            sent = runs = 0
            while runs == 0 or sent < requests and runs < WARM_RUNS_MAX:
                run = self._status(side, seconds, clients) if route == "status" else self._enter(
                    side, seconds, clients, self.tokens, self.line.schedule, "again")
                sent, runs = sent + run["requests"], runs + 1
            say(f"{side} is warm after {sent:,} requests: {run['per_second']:,.0f} a second")

    def status(self, rounds: int, seconds: int, clients: int) -> Row:
        """Each of the waiting users asks in turn."""
        runs = self._alternate(rounds, lambda: lambda side: self._status(side, seconds, clients))
        return Row("status", clients, runs)

    def enter(self, rounds: int, seconds: int, clients: int) -> Row:
        """Every request is another user's first, each round at a sale of its own: 50,000 come to one, not a million. All sides
        are sent the same users."""
        def ready():
            sale = stage.publish_sale(self.stack.gateway_url, self.signer.admin_token(), -60, 1, 1000000)
            forget_markers(self.stack)
            tokens = self._write_new_users(seconds * round(max(ENTERS_PER_S_LEAST, SPARE * self.fastest)))
            return lambda side: self._enter(side, seconds, clients, tokens, sale.schedule_id)

        return Row("enter", clients, self._alternate(rounds, ready))
