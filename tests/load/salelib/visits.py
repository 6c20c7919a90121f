"""The sale while it runs: every person's requests and what they do about the answers. See people.py for who they are
and docs/queue.md for what a client does."""
import heapq
import json
import random
import time

from salelib.people import ADMITTED, AWAY, ENTERING, EXPECTED, IN_LINE, LEFT, REFUSED

READ_S = 3.0  # how often a follower reads /queue/serving
SERVING_EVERY_S = 0.5
STATS_EVERY_S = 1.0
PROGRESS_EVERY_S = 5.0
DRAW_DELAY_S = 5.0  # the seed is sealed for a moment after the opening
ARRIVAL_S = 120.0  # how long a called person may take; BOX_QUEUE_ARRIVAL_S
CLOCK_STEP_S = 0.2  # the server keeps tenths of a second

PLACES = "places lost"
OVERTAKEN = "called out of order"


class Visits:
    def __init__(self, wire, sale, people, ledger, admin_token: str, opens: float, seed: int):
        self.wire = wire
        self.sale = sale
        self.people = people
        self.ledger = ledger
        self.opens = opens  # on the monotonic clock
        self.chance = random.Random(seed + 1)
        self.by_state = [len(people), 0, 0, 0, 0, 0, 0]
        self.unsettled = len(people)
        self.watching = []  # followers by sequence
        self.serving = 0
        self._prepare_requests(admin_token)

    def _prepare_requests(self, admin_token: str) -> None:
        host, schedule = self.sale.base_url.removeprefix("http://"), self.sale.schedule_id
        tail = f" HTTP/1.1\r\nHost: {host}\r\n"
        self.status_head = f"GET /queue/status?scheduleId={schedule}{tail}Authorization: Bearer ".encode()
        self.leave_head = f"DELETE /queue/leave?scheduleId={schedule}{tail}Authorization: Bearer ".encode()
        self.enter_head = f"POST /queue/enter{tail}Content-Type: application/json\r\nAuthorization: Bearer ".encode()
        self.serving_request = f"GET /queue/serving?scheduleId={schedule}{tail}\r\n".encode()
        self.draw_request = f"GET /queue/draw?scheduleId={schedule}{tail}\r\n".encode()
        self.stats_request = f"GET /queue/admin/stats{tail}Authorization: Bearer {admin_token}\r\n\r\n".encode()

    def run(self, deadline: float) -> None:
        now = time.monotonic()
        for person in self.people:
            self.wire.at(max(now, self.opens + person.arrives), self.arrive, person)
        self.wire.at(now, self.read_serving)
        self.wire.at(now, self.read_stats)
        self.wire.at(now + PROGRESS_EVERY_S, self.progress, 0)
        self.wire.at(self.opens + DRAW_DELAY_S, self.read_draw)
        self.wire.run(lambda: self.unsettled == 0 or time.monotonic() > deadline)
        end = time.monotonic() + 5
        self.wire.timers.clear()
        self.wire.run(lambda: self.wire.in_flight() == 0 or time.monotonic() > end)

    def _move(self, person, state: int) -> None:
        self.by_state[person.state] -= 1
        self.by_state[state] += 1
        person.state = state

    def _settle(self, person, state: int) -> None:
        """The person's story is over."""
        self._move(person, state)
        self.unsettled -= 1

    # ---- entering ----

    def arrive(self, person) -> None:
        if person.state == EXPECTED:
            self._move(person, ENTERING)
            person.first_sent = time.monotonic()
        self._enter(person, 0)

    def second_tab(self, person) -> None:
        if person.state == IN_LINE:
            self._enter(person, 1)

    def _enter(self, person, tab: int) -> None:
        # Another tab knows the receipt, another device does not.
        receipt = person.receipt if tab == 0 or person.index % 2 else None
        more = f',"receipt":"{receipt}"' if receipt else ""
        body = f'{{"scheduleId":"{self.sale.schedule_id}"{more}}}'.encode()
        self.wire.send("enter", self.enter_head + person.bearer + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
                       self.entered, person, tab)

    def entered(self, person, tab: int, status: int, body: bytes, sent: float, now: float) -> None:
        if status == 200:
            self._join(person, tab, json.loads(body), sent, now)
        elif status == 429 or status >= 500:
            self.wire.at(now + max(1.0, self.wire.retry_after) * self.chance.uniform(1, 1.5), self._enter, person, tab)
        else:
            self._unexpected("enter", person, status, body)
            if person.state == ENTERING:
                self._settle(person, REFUSED)

    def _join(self, person, tab: int, place: dict, sent: float, now: float) -> None:
        first = person.state == ENTERING
        if first:
            self._move(person, IN_LINE)
        if person.answered is None:
            person.answered = now
            person.number = place.get("arrival") or place.get("sequence") or 0
        self._told(person, tab, place, sent, now)
        if first and person.state == IN_LINE:
            self._begin(person, now)

    def _begin(self, person, now: float) -> None:
        """What the person has in mind, once in the line."""
        if person.no_show:
            self._vanish(person, max(now, self.opens))
            return
        if person.two_tabs:
            self.wire.at(now + self.chance.uniform(1, 15), self.second_tab, person)
        if person.patience is not None:
            self.wire.at(max(now, self.opens) + person.patience, self.give_up, person)

    # ---- waiting ----

    def _poll_in(self, person, tab: int, seconds: float) -> None:
        """The tab's next question; an earlier appointment of the same tab no longer counts."""
        person.serials[tab] += 1
        self.wire.at(time.monotonic() + seconds, self.poll, person, tab, person.serials[tab])

    def poll(self, person, tab: int, serial: int) -> None:
        if person.state == IN_LINE and serial == person.serials[tab]:
            self._ask(person, tab)

    def _ask(self, person, tab: int) -> None:
        self.wire.send("status", self.status_head + person.bearer + b"\r\n\r\n", self.asked, person, tab)

    def asked(self, person, tab: int, status: int, body: bytes, sent: float, now: float) -> None:
        if status == 200:
            self._told(person, tab, json.loads(body), sent, now)
        elif status == 429:
            self._limited(person, tab)
        elif status >= 500:
            self._poll_in(person, tab, max(1.0, self.wire.retry_after) * self.chance.uniform(1, 2))
        elif status == 404 and person.state in (IN_LINE, ADMITTED) and not person.leaving:
            self.ledger.broken(PLACES, f"person {person.index}, place {person.sequence}: {body.decode()}")
            if person.state == IN_LINE:
                self._enter(person, tab)
        elif status != 404:
            self._unexpected("status", person, status, body)

    def _limited(self, person, tab: int) -> None:
        if person.reloads:
            self._poll_in(person, tab, self.chance.uniform(0.7, 2))
            return
        if not person.two_tabs:
            self.ledger.counts["429 to people who poll as told"] += 1
        self._poll_in(person, tab, max(1.0, self.wire.retry_after))

    def _told(self, person, tab: int, place: dict, sent: float, now: float) -> None:
        """An answer that says where the person stands."""
        status = place["status"]
        self._check_gap(person, sent, now)
        person.poll_after = place.get("pollAfter") or 0
        self._learn(person, status, place)
        self._welcome_back(person, status, sent)
        if status == "ACTIVE":
            self._admit(person, place["token"], now)
            return
        if status == "WAITING":
            self._waits(person, place, sent, now)
        if person.state == IN_LINE:
            self._poll_in(person, tab, self.chance.uniform(0.7, 2) if person.reloads else person.poll_after)

    def _check_gap(self, person, sent: float, now: float) -> None:
        """Whether the server may have taken the person for gone: it saw no more time pass than we did."""
        if person.asked_at is not None:
            allowed = min(2 * person.poll_after + 15, ARRIVAL_S) - CLOCK_STEP_S
            if now - person.asked_at > allowed:
                person.prompt = False
        person.asked_at = max(sent, person.asked_at or sent)

    def _learn(self, person, status: str, place: dict) -> None:
        for name in ("arrival", "sequence"):
            said, known = place.get(name), getattr(person, name)
            if said and not known:
                setattr(person, name, said)
                if name == "sequence" and person.follows:
                    heapq.heappush(self.watching, (said, person.index))
            elif said and said != known:
                self.ledger.broken(PLACES, f"person {person.index}: {name} was {known}, is {said}")
        if status == "PRE_OPEN" and person.sequence:
            self.ledger.broken(PLACES, f"person {person.index}: back before the opening")
        person.receipt = place.get("receipt") or person.receipt

    def _welcome_back(self, person, status: str, sent: float) -> None:
        """The first answer since the person came back: whether the cursor had passed meanwhile."""
        if person.returned and person.returned_at is None:
            person.returned_at = sent
            person.passed_at_return = status == "ACTIVE" or 0 < person.sequence <= self.serving

    def _waits(self, person, place: dict, sent: float, now: float) -> None:
        if place.get("estimatedWaitTime") is not None:
            self.ledger.estimate(person, now, place["estimatedWaitTime"])
        highest = self.ledger.highest_admitted(sent)
        if person.prompt and person.sequence < highest:
            self.ledger.broken(OVERTAKEN, f"person {person.index}, place {person.sequence}, was told to wait after the "
                                          f"token of place {highest} had been received")

    # ---- admitted ----

    def _admit(self, person, token: str, now: float) -> None:
        if person.token is None:
            person.token, person.token_at = token, now
            self.ledger.token(person, now)
        elif token != person.token:
            self.ledger.broken(PLACES, f"person {person.index} was given another token")
        if person.state != IN_LINE:
            return
        self._settle(person, ADMITTED)
        if person.two_tabs:
            self.wire.at(now + self.chance.uniform(0.5, 3), self._ask_again, person)
        if person.finishes_after is not None:
            self.wire.at(now + person.finishes_after, self._leave, person)

    def _ask_again(self, person) -> None:
        """The other tab, which must be given the same token."""
        if not person.leaving:
            self._ask(person, 1)

    # ---- going ----

    def give_up(self, person) -> None:
        if person.state != IN_LINE:
            return
        if person.announces:
            self._settle(person, LEFT)
            self._leave(person)
        else:
            self._vanish(person, time.monotonic())

    def _leave(self, person) -> None:
        person.leaving = True
        self.wire.send("leave", self.leave_head + person.bearer + b"\r\n\r\n", self.left, person)

    def left(self, person, _, status: int, body: bytes, sent: float, now: float) -> None:
        if status == 429 or status >= 500:
            self.wire.at(now + max(1.0, self.wire.retry_after), self._leave, person)
        elif status == 404:
            self.ledger.broken(PLACES, f"person {person.index}, place {person.sequence}, cannot leave: {body.decode()}")
        elif status != 200:
            self._unexpected("leave", person, status, body)

    def _vanish(self, person, since: float) -> None:
        if person.returns_after is None:
            self._settle(person, AWAY)
        else:
            self._move(person, AWAY)
            self.wire.at(since + person.returns_after, self.come_back, person)

    def come_back(self, person) -> None:
        person.returned, person.returned_at = True, None
        self._move(person, IN_LINE)
        self._poll_in(person, 0, 0)

    # ---- watching ----

    def read_serving(self) -> None:
        self.wire.send("serving", self.serving_request, self.served)
        self.wire.at(time.monotonic() + SERVING_EVERY_S, self.read_serving)

    def served(self, _, __, status: int, body: bytes, sent: float, now: float) -> None:
        self.ledger.in_line.append((now, self.by_state[IN_LINE]))
        if status != 200:
            return
        place = json.loads(body)
        self.serving = place["servingSequence"] or 0
        self.ledger.serving.append((now, self.serving, place["waiting"]))
        while self.watching and self.watching[0][0] <= self.serving:
            person = self.people[heapq.heappop(self.watching)[1]]
            if person.state == IN_LINE and not person.reloads:
                self._poll_in(person, 0, self.chance.uniform(0, READ_S))

    def read_stats(self) -> None:
        self.wire.send("admin stats", self.stats_request, self.counted)
        self.wire.at(time.monotonic() + STATS_EVERY_S, self.read_stats)

    def counted(self, _, __, status: int, body: bytes, sent: float, now: float) -> None:
        if status != 200:
            self.ledger.counts["unread statistics"] += 1
            return
        for row in json.loads(body)["list"]:
            if row["scheduleId"] == self.sale.schedule_id:
                self.ledger.stats.append((sent, now, row))

    def read_draw(self) -> None:
        self.wire.send("draw", self.draw_request, self.drawn)

    def drawn(self, _, __, status: int, body: bytes, sent: float, now: float) -> None:
        self.ledger.draw = json.loads(body) if status == 200 else {}
        if not self.ledger.draw.get("seed"):
            self.wire.at(now + 1, self.read_draw)

    def progress(self, before: int) -> None:
        now = time.monotonic()
        requests = sum(len(route.seconds) for route in self.wire.routes.values())
        print(f"  {now - self.opens:+7.0f} s  in line {self.by_state[IN_LINE]:>6}  "
              f"admitted {self.by_state[ADMITTED]:>6}  serving {self.serving:>6}  "
              f"{(requests - before) / PROGRESS_EVERY_S:>6.0f} requests/s", flush=True)
        self.wire.at(now + PROGRESS_EVERY_S, self.progress, requests)

    def _unexpected(self, what: str, person, status: int, body: bytes) -> None:
        told = body.decode(errors="replace")
        self.ledger.broken("unexpected answers", f"{what} of person {person.index}: {status} {told}")
