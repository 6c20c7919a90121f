"""The waiting room through the gateway: draw, line, tokens, receipts, limits, settings (QUEUE-001 to QUEUE-011).

What one script of it can meet stands in tests/component/queue/test_queue*.c; here is what people and administrators see.
"""
import concurrent.futures
import datetime
import hashlib
import re
import time
import uuid

import pytest
import requests

from box_office import Visitor, assert_drawn, line_of, made, moment, new_buyer, put_on_sale, shared, times_served, tune, wait_for
from contract import assert_conforms, assert_error, validate
from people import TIMEOUT_S
from stack_tools import redis_says

PRE_OPEN_S = 3600
TRIES_A_MINUTE = 15
RECEIPT = re.compile(r"[0-9]{1,8}\.[A-Za-z0-9_-]{22}")


@pytest.fixture
def visitors(stack):
    """visitors(sale, count) are that many people who have not entered yet."""
    return lambda sale, count: [Visitor(stack, sale) for _ in range(count)]


@pytest.fixture
def paused(admin):
    """A sale that calls nobody until it is told to: everybody's rank holds still."""
    return pause_from_the_start(admin)


def pause_from_the_start(admin, **schedule_changes):
    sale = put_on_sale(admin, **schedule_changes)
    tune(admin, sale, paused=True)
    return sale


def entered(people: list[Visitor]) -> list[dict]:
    """One after the other."""
    return [made(person.enter(), 200) for person in people]


def places(people: list[Visitor]) -> list[dict]:
    return [made(person.status(), 200) for person in people]


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def token_of(person: Visitor) -> str:
    """Waits for the admission."""
    return wait_for("admission", lambda: person.status().json().get("token"))


# ---- before the sale ----


def test_who_comes_before_the_sale_waits_for_the_draw(admin, stack, visitors):
    begins = moment(minutes=30)
    first, second = visitors(put_on_sale(admin, saleStartAt=begins), 2)
    answer = first.enter()
    place = made(answer, 200)
    assert_conforms(answer, "POST", "/queue/enter")
    assert (place["status"], place["arrival"], place["token"]) == ("PRE_OPEN", 1, None)
    assert RECEIPT.fullmatch(place["receipt"]) and at(place["opensAt"]) == at(begins)
    assert made(second.enter(), 200)["arrival"] == 2

    other_device = Visitor(stack, first.sale, first.user_id)
    again = made(other_device.enter(), 200)
    assert (again["arrival"], again["receipt"]) == (1, place["receipt"])
    asked = other_device.status()
    assert_conforms(asked, "GET", "/queue/status")
    assert (asked.json()["status"], asked.json()["arrival"]) == ("PRE_OPEN", 1)


def test_draw_before_the_sale_shows_the_commitment_alone(admin, visitors, internal_url):
    sale = put_on_sale(admin, saleStartAt=moment(minutes=30))
    untouched = shared("draw", sale)
    assert (untouched["count"], untouched["openedAt"], untouched["seed"]) == (None, None, None)
    assert re.fullmatch(r"[0-9a-f]{64}", untouched["commitment"])
    entered(visitors(sale, 2))
    before = times_served(internal_url, "/queue/draw")
    wait_for("a fresh copy", lambda: shared("draw", sale) and times_served(internal_url, "/queue/draw") > before)
    assert shared("draw", sale) == untouched
    wait_for("a fresh copy", lambda: shared("serving", sale)["waiting"] == 2)
    assert shared("serving", sale)["servingSequence"] == 0


def test_entering_is_possible_from_an_hour_before_the_sale(admin, visitors):
    too_early, = visitors(put_on_sale(admin, saleStartAt=moment(seconds=PRE_OPEN_S + 60)), 1)
    assert_error(too_early.enter(), 409, "SALE_NOT_OPEN")
    assert_error(too_early.status(), 404, "NOT_IN_QUEUE")
    in_time, = visitors(put_on_sale(admin, saleStartAt=moment(seconds=PRE_OPEN_S - 60)), 1)
    assert made(in_time.enter(), 200)["status"] == "PRE_OPEN"


# ---- the opening ----


EARLY, LATE = 40, 3


def test_sale_opens_by_itself_with_places_that_anybody_can_recompute(admin, visitors, tmp_path):
    sale = pause_from_the_start(admin, saleStartAt=moment(seconds=5))
    early, late = visitors(sale, EARLY), visitors(sale, LATE)
    arrivals = entered(early)
    assert {place["status"] for place in arrivals} == {"PRE_OPEN"}
    assert [place["arrival"] for place in arrivals] == list(range(1, EARLY + 1))
    noted = shared("draw", sale)["commitment"]

    draw = wait_for("the opening", lambda: (now := shared("draw", sale))["seed"] and now)
    validate(draw, "/components/schemas/Draw")
    assert draw["commitment"] == noted == hashlib.sha256(bytes.fromhex(draw["seed"])).hexdigest()
    assert draw["count"] == EARLY and at(draw["openedAt"]) >= at(arrivals[0]["opensAt"])
    behind = entered(late)
    assert [place["sequence"] for place in behind] == list(range(EARLY + 1, EARLY + LATE + 1))

    drawn = places(early)
    assert {place["status"] for place in drawn} == {"WAITING"}
    assert sorted(place["sequence"] for place in drawn) == list(range(1, EARLY + 1))
    assert all(place["rank"] == place["sequence"] for place in drawn + behind)
    assert [place["arrival"] for place in drawn + behind] == list(range(1, EARLY + LATE + 1))
    assert_drawn(sale, noted, arrivals, drawn, tmp_path / "told")

    tune(admin, sale, paused=False, admissionRate=1000)
    sequences = [place["sequence"] for place in drawn + behind]
    tokens = [token_of(person) for person in early + late]
    assert len(set(tokens)) == EARLY + LATE
    assert [place["sequence"] for place in places(early + late)] == sequences


def test_sale_that_nobody_came_early_for_has_an_empty_draw(sale, visitors):
    first, second = visitors(sale, 2)
    assert [place["sequence"] for place in entered([first, second])] == [1, 2]
    draw = wait_for("the opening", lambda: (now := shared("draw", sale))["seed"] and now)
    assert draw["count"] == 0


# ---- the line ----


def test_rank_counts_and_leaving_moves_the_others_up(paused, visitors):
    people = visitors(paused, 6)
    assert [(place["status"], place["rank"], place["sequence"]) for place in entered(people)] == [
        ("WAITING", i, i) for i in range(1, 7)]
    for quitter in (people[1], people[3]):
        answer = quitter.leave()
        assert answer.status_code == 200
        assert_conforms(answer, "DELETE", "/queue/leave")
        assert quitter.leave().status_code == 200  # again: the answer may have been lost
        assert_error(quitter.status(), 404, "NOT_IN_QUEUE")
    rest = places([people[0], people[2], people[4], people[5]])
    assert [(place["rank"], place["sequence"]) for place in rest] == [(1, 1), (2, 3), (3, 5), (4, 6)]
    back = made(people[1].enter(), 200)
    assert (back["rank"], back["sequence"]) == (5, 7)


def test_leaving_is_told_in_the_language_of_who_leaves(paused, visitors):
    korean, english = visitors(paused, 2)
    english.session.headers["Accept-Language"] = "en"
    entered([korean, english])
    assert not made(korean.leave(), 200)["message"].isascii()
    assert made(english.leave(), 200)["message"].isascii()


def test_two_devices_at_two_sales_get_one_place(admin, stack):
    """QUEUE-011, many times: both ask at the same moment."""
    sales = [pause_from_the_start(admin), pause_from_the_start(admin)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for _ in range(60):
            first = Visitor(stack, sales[0])
            devices = [first, Visitor(stack, sales[1], first.user_id)]
            answers = [answer.status_code for answer in pool.map(Visitor.enter, devices)]
            assert sorted(answers) in ([200, 409], [409, 409])
            assert [device.status().status_code == 200 for device in devices] == [code == 200 for code in answers]


def test_line_that_is_full_refuses_until_somebody_leaves(admin, visitors):
    full = pause_from_the_start(admin, queueCapacity=2)
    first, _, third = people = visitors(full, 3)
    entered(people[:2])
    refusal = third.enter()
    assert_error(refusal, 503, "QUEUE_FULL")
    assert_conforms(refusal, "POST", "/queue/enter")
    assert int(refusal.headers["Retry-After"]) >= 1
    assert_error(third.status(), 404, "NOT_IN_QUEUE")
    assert first.leave().status_code == 200
    assert made(third.enter(), 200)["rank"] == 2


def test_serving_says_who_has_been_called(admin, visitors):
    sale = put_on_sale(admin, admissionRate=5)
    people = visitors(sale, 30)
    entered(people)
    wait_for("some admissions", lambda: line_of(admin, sale)["called"] >= 4)
    tune(admin, sale, paused=True)
    now = wait_for("a copy of the pause", lambda: (copy := shared("serving", sale))["admissionRate"] == 0 and copy)
    standing = places(people)
    assert [place["status"] == "ACTIVE" for place in standing] == [
        place["sequence"] <= now["servingSequence"] for place in standing]
    waiting = [place for place in standing if place["status"] == "WAITING"]
    assert 0 < len(waiting) == now["waiting"] < len(people)
    assert [place["rank"] for place in waiting] == list(range(1, len(waiting) + 1))


@pytest.mark.parametrize("what", ["serving", "draw"])
def test_everybody_reads_one_copy(paused, visitors, internal_url, what):
    entered(visitors(paused, 2))
    address = f"{paused.base_url}/queue/{what}"
    before, began = times_served(internal_url, f"/queue/{what}"), time.monotonic()
    bodies, seen = set(), 0
    with requests.Session() as one, requests.Session() as another:
        for _ in range(50):
            for client in (one, another):
                answer = client.get(f"{address}?scheduleId={paused.schedule_id}", timeout=TIMEOUT_S)
                assert answer.status_code == 200 and answer.headers["Cache-Control"] == "public, max-age=1"
                bodies.add(answer.content)
                seen += 1
    copies = time.monotonic() - began + 2  # one a second, which begins and ends anywhere
    assert len(bodies) <= copies < seen
    assert 1 <= times_served(internal_url, f"/queue/{what}") - before <= copies


@pytest.mark.parametrize("what", ["serving", "draw"])
def test_other_spellings_of_what_is_copied_reach_nobody(paused, internal_url, what):
    """They make no copy and cost no request; the only one who answers them is the gateway."""
    good = f"scheduleId={paused.schedule_id}"
    upper = [paused.schedule_id[:i] + paused.schedule_id[i:].upper() for i in range(len(paused.schedule_id))]
    spellings = [*(f"scheduleId={id}" for id in set(upper) - {paused.schedule_id}), f"{good}&_=1", f"_=1&{good}",
                 f"{good}&{good}", f"{good}&", f"&{good}", f"ScheduleId={paused.schedule_id}",
                 f"{good}%20", "", "scheduleId"]
    served = times_served(internal_url, f"/queue/{what}")
    for words in spellings:
        answer = requests.get(f"{paused.base_url}/queue/{what}?{words}", timeout=TIMEOUT_S)
        error = assert_error(answer, 400, "INVALID_REQUEST")
        assert_conforms(answer, "GET", f"/queue/{what}")
        assert error["details"][0]["field"] == "query", words
    assert times_served(internal_url, f"/queue/{what}") == served


@pytest.mark.parametrize("what", ["serving", "draw"])
@pytest.mark.parametrize("schedule,status,code", [
    (str(uuid.uuid4()), 404, "NOT_FOUND"), ("7", 400, "INVALID_REQUEST"), ("", 400, "INVALID_REQUEST")])
def test_copy_of_nothing_is_refused(base_url, what, schedule, status, code):
    answer = requests.get(f"{base_url}/queue/{what}?scheduleId={schedule}", timeout=TIMEOUT_S)
    assert_error(answer, status, code)
    assert_conforms(answer, "GET", f"/queue/{what}")


# ---- limits ----


def tries_until_refused(ask) -> tuple[list[requests.Response], requests.Response]:
    """What went well, and the refusal; the limit grows again meanwhile, by one in four seconds."""
    began, passed = time.monotonic(), []
    while (answer := ask()).status_code == 200:
        passed.append(answer)
        assert len(passed) <= TRIES_A_MINUTE + (time.monotonic() - began) * TRIES_A_MINUTE / 60
    return passed, answer


def tries_left(answer: requests.Response) -> int:
    return int(re.search(r";r=(\d+);", answer.headers["RateLimit"])[1])


def test_more_than_fifteen_questions_a_minute_are_refused(paused, visitors):
    asking, calm = visitors(paused, 2)
    entered([asking, calm])
    passed, refusal = tries_until_refused(asking.status)
    assert len(passed) >= TRIES_A_MINUTE - 1  # entering was the first
    assert_error(refusal, 429, "TOO_MANY_REQUESTS")
    assert_conforms(refusal, "GET", "/queue/status")
    wait_s = int(refusal.headers["Retry-After"])
    assert wait_s >= 1
    for answer in (*passed, refusal):
        assert answer.headers["RateLimit-Policy"] == '"queue";q=15;w=60'
        assert re.fullmatch(r'"queue";r=\d+;t=\d+', answer.headers["RateLimit"])
    assert tries_left(passed[0]) >= TRIES_A_MINUTE - 2 and tries_left(refusal) == 0
    assert calm.status().status_code == 200
    time.sleep(wait_s)  # what Retry-After promises
    assert asking.status().status_code == 200


def test_entering_counts_against_the_limit_too(paused, visitors):
    person, calm = visitors(paused, 2)
    passed, refusal = tries_until_refused(person.enter)
    assert len(passed) >= TRIES_A_MINUTE
    assert len({answer.json()["receipt"] for answer in passed}) == 1
    assert_error(refusal, 429, "TOO_MANY_REQUESTS")
    assert_conforms(refusal, "POST", "/queue/enter")
    assert int(refusal.headers["Retry-After"]) >= 1
    assert_error(person.status(), 429, "TOO_MANY_REQUESTS")
    entered([calm])


# ---- tokens ----


def test_token_of_another_person_or_sale_holds_nothing(admin, sale, visitors):
    owner, = visitors(sale, 1)
    owner.admit(sale)
    thief, = visitors(sale, 1)
    stolen = {"X-Queue-Token": owner.session.headers["X-Queue-Token"]}
    assert_error(thief.hold(sale.seats[0], **stolen), 401, "QUEUE_TOKEN_INVALID")
    owner.sale = put_on_sale(admin)
    assert_error(owner.hold(owner.sale.seats[0]), 401, "QUEUE_TOKEN_INVALID")
    assert set(owner.sale.seat_states().values()) == {"AVAILABLE"}


def test_token_is_gone_after_leaving(sale, visitors):
    person, = visitors(sale, 1)
    person.admit(sale)
    assert person.leave().status_code == 200
    assert_error(person.hold(sale.seats[0]), 401, "QUEUE_TOKEN_INVALID")
    assert_error(person.status(), 404, "NOT_IN_QUEUE")


def test_token_is_the_same_however_often_and_on_whatever_device_one_asks(stack, sale, visitors):
    person, = visitors(sale, 1)
    person.admit(sale)
    other_device = Visitor(stack, sale, person.user_id)
    tokens = {place["token"] for place in (*places([person, other_device]), *entered([person, other_device]))}
    assert tokens == {person.session.headers["X-Queue-Token"]}


def test_who_has_bought_frees_the_slot_and_may_go_to_another_sale(admin, sale, visitors):
    buyer, next_one = visitors(sale, 2)
    tune(admin, sale, maxActive=1)
    buyer.admit(sale)
    entered([next_one])
    held = made(buyer.hold(sale.seats[0]))
    order = made(buyer.order(held), 200)
    paid = buyer.pay_at_portone(order, "AUTHORIZED")
    first = made(buyer.confirm(held, order, paid), 200)
    buyer.wait_until(held, "CONFIRMED")

    token_of(next_one)  # there is one slot
    assert line_of(admin, sale)["active"] == 1
    assert_error(buyer.hold(sale.seats[1]), 401, "QUEUE_TOKEN_INVALID")
    assert made(buyer.confirm(held, order, paid), 200) == first
    assert_error(buyer.status(), 404, "NOT_IN_QUEUE")
    buyer.admit(put_on_sale(admin))
    made(buyer.hold(buyer.sale.seats[0]))


# ---- receipts ----


def test_receipt_of_a_place_that_was_given_up_is_worth_nothing(paused, visitors):
    quitter, other = visitors(paused, 2)
    receipt, _ = [place["receipt"] for place in entered([quitter, other])]
    assert quitter.leave().status_code == 200
    back = made(quitter.enter(receipt=receipt), 200)
    assert (back["rank"], back["sequence"]) == (2, 3) and back["receipt"] != receipt


def test_receipt_of_a_place_that_admitted_is_worth_nothing(admin, sale, visitors):
    person, other = visitors(sale, 2)
    receipt = made(person.enter(), 200)["receipt"]
    token_of(person)
    tune(admin, sale, paused=True)
    entered([other])
    assert person.leave().status_code == 200
    back = made(person.enter(receipt=receipt), 200)
    assert (back["status"], back["rank"], back["sequence"]) == ("WAITING", 2, 3)


def test_receipt_of_somebody_else_or_of_another_sale_or_forged_is_ignored(admin, paused, visitors):
    first, second, thief = visitors(paused, 3)
    receipts = [place["receipt"] for place in entered([first, second])]
    stranger, = visitors(pause_from_the_start(admin), 1)
    own_elsewhere = made(stranger.enter(), 200)["receipt"]
    assert stranger.leave().status_code == 200
    stranger.sale = paused
    assert made(thief.enter(receipt=receipts[0]), 200)["sequence"] == 3
    assert made(stranger.enter(receipt=own_elsewhere), 200)["sequence"] == 4
    for i, forged in enumerate(("0." + "A" * 22, receipts[0][:-1], "x", "0." + "가" * 20)):
        forger, = visitors(paused, 1)
        assert made(forger.enter(receipt=forged), 200)["sequence"] == 5 + i
    assert [place["rank"] for place in places([first, second])] == [1, 2]


@pytest.mark.parametrize("receipt", ["", "x" * 65, 7, True, [], {}, ["x"]], ids=repr)
def test_receipt_that_is_malformed_is_refused(paused, visitors, receipt):
    person, = visitors(paused, 1)
    answer = person.enter(receipt=receipt)
    assert assert_error(answer, 400, "INVALID_REQUEST")["details"][0]["field"] == "receipt"
    assert_conforms(answer, "POST", "/queue/enter")
    assert_error(person.status(), 404, "NOT_IN_QUEUE")


# ---- administrators ----


ADMIN_ROUTES = [("GET", "/queue/admin/stats", "/queue/admin/stats", None),
                ("PUT", f"/queue/admin/schedules/{uuid.uuid4()}", "/queue/admin/schedules/{id}", {"paused": True})]


@pytest.mark.parametrize("method,path,documented,body", ADMIN_ROUTES, ids=["stats", "tune"])
def test_administration_is_for_administrators(sale, visitors, base_url, method, path, documented, body):
    nobody = requests.request(method, base_url + path, json=body, timeout=TIMEOUT_S)
    assert_error(nobody, 401, "TOKEN_MISSING")
    user, = visitors(sale, 1)
    refused = user.call(method, path, json=body)
    assert_error(refused, 403, "FORBIDDEN")
    assert_conforms(refused, method, documented)


def test_pause_calls_nobody_and_says_so_until_resumed(admin, paused, visitors):
    person, = visitors(paused, 1)
    place = made(person.enter(), 200)
    assert (place["status"], place["delayReason"]) == ("WAITING", "PAUSED")
    line = line_of(admin, paused)
    assert (line["paused"], line["admissionRate"], line["called"], line["waiting"]) == (True, 0, 0, 1)
    assert tune(admin, paused, paused=False)["paused"] is False
    token_of(person)
    line = line_of(admin, paused)
    assert (line["paused"], line["called"], line["admitted"], line["active"]) == (False, 1, 1, 1)
    tune(admin, paused, paused=True)
    late, = visitors(paused, 1)
    assert made(late.enter(), 200)["delayReason"] == "PAUSED"
    assert made(person.status(), 200)["status"] == "ACTIVE"  # a pause takes nothing away


def test_rate_changes_while_people_wait(admin, visitors):
    sale = put_on_sale(admin, admissionRate=1)
    people = visitors(sale, 30)
    entered(people)
    assert 20 <= made(people[-1].status(), 200)["estimatedWaitTime"] <= 30
    tuned = tune(admin, sale, admissionRate=1000)
    assert (tuned["admissionRate"], tuned["paused"], tuned["maxActive"]) == (1000, False, 0)
    wait_for("everybody", lambda: line_of(admin, sale)["called"] == len(people), 10)  # at the old rate: half a minute
    assert {place["status"] for place in places(people)} == {"ACTIVE"}


def test_most_active_people_are_let_in_one_at_a_time(admin, sale, visitors):
    people = visitors(sale, 3)
    tune(admin, sale, maxActive=1, admissionRate=1000)
    entered(people)
    for i, person in enumerate(people):
        token_of(person)
        line = line_of(admin, sale)
        assert (line["maxActive"], line["called"], line["active"]) == (1, i + 1, 1)
        for place in places(people[i + 1:]):
            assert (place["status"], place["delayReason"]) == ("WAITING", "FULL")
            assert i > 0 or place["estimatedWaitTime"] is None  # nobody knows before the first slot is given back
        assert person.leave().status_code == 200


# ---- sold out ----


def listed(sale) -> dict:
    events = requests.get(f"{sale.base_url}/events?sort=newest&size=100", timeout=TIMEOUT_S).json()["list"]
    return next(event for event in events if event["id"] == sale.event_id)


def buy(buyer, *seats: str) -> dict:
    held = made(buyer.hold(*seats))
    order = made(buyer.order(held), 200)
    made(buyer.confirm(held, order, buyer.pay_at_portone(order, "AUTHORIZED")), 200)
    return order


def take_back(sandbox_url: str, order: dict) -> None:
    answer = requests.post(f"{sandbox_url}/payments/{order['paymentKey']}/cancel", json={"reason": "by the card company"},
                           headers={"Authorization": "PortOne sandbox-portone-secret"}, timeout=TIMEOUT_S)
    assert answer.ok, answer.text


def test_sold_out_sale_says_so_and_goes_on_when_seats_come_back(admin, stack, visitors):
    sale = put_on_sale(admin, admissionRate=1000)
    buyers = [new_buyer(stack.gateway_url, stack.sandbox_url, sale) for _ in range(3)]
    assert (shared("serving", sale)["soldOut"], listed(sale)["soldOut"]) == (False, False)
    orders = [buy(buyer, *sale.seats[4 * i:4 * i + 4]) for i, buyer in enumerate(buyers)]
    wait_for("the sale to be sold out", lambda: shared("serving", sale)["soldOut"], 5)  # a copy lives 30 s
    wait_for("that in the list, whose copies may be three seconds old",
             lambda: listed(sale)["soldOut"])
    person, = visitors(sale, 1)
    for answer in (person.enter(), person.status()):
        place = made(answer, 200)
        assert (place["status"], place["estimatedWaitTime"], place["delayReason"]) == ("WAITING", None, "SOLD_OUT")
        assert_conforms(answer, *("POST /queue/enter" if "receipt" in place else "GET /queue/status").split())
    line = line_of(admin, sale)
    assert (line["soldOut"], line["waiting"], line["called"]) == (True, 1, len(buyers))
    take_back(stack.sandbox_url, orders[0])
    token_of(person)
    wait_for("seats in the list", lambda: listed(sale)["soldOut"] is False)
    wait_for("seats in the line", lambda: shared("serving", sale)["soldOut"] is False)


def test_settings_of_nothing_and_out_of_range_are_refused(admin, paused):
    unknown = admin.call("PUT", f"/queue/admin/schedules/{uuid.uuid4()}", json={"paused": True})
    assert_error(unknown, 404, "NOT_FOUND")
    assert_conforms(unknown, "PUT", "/queue/admin/schedules/{id}")
    path = f"/queue/admin/schedules/{paused.schedule_id}"
    for name, value in [("admissionRate", 0), ("admissionRate", 1000001), ("admissionRate", 1.5),
                        ("admissionRate", "5"), ("paused", 1), ("paused", "true"), ("maxActive", -1),
                        ("maxActive", 1000001)]:
        answer = admin.call("PUT", path, json={name: value})
        assert assert_error(answer, 400, "INVALID_REQUEST")["details"][0]["field"] == name, value
    assert admin.call("PUT", path, json={}).json() == {
        "scheduleId": paused.schedule_id, "admissionRate": 10, "paused": True, "maxActive": 0}


def test_operator_sees_the_line_and_who_changed_it(admin, sale, visitors, boxctl):
    tune(admin, sale, paused=True)
    entered(visitors(sale, 2))
    changer = admin.call("GET", "/users/me").json()["id"]
    rows = dict(line.split(maxsplit=1) for line in boxctl("queue", "show", sale.schedule_id).splitlines())
    assert (rows["state"], rows["waiting"]) == ("paused", "2 people")
    assert re.fullmatch(rf"\S+ by {changer} paused=1", rows["changed"])
    tune(admin, sale, paused=False, admissionRate=7, maxActive=3)
    shown = boxctl("queue", "show", sale.schedule_id)
    assert re.search(r"^state +open$", shown, re.M)
    changes = [line for line in shown.splitlines() if line.startswith("changed ")]
    assert len(changes) == 2 and changes[0].endswith(f"by {changer} admissionRate=7 paused=0 maxActive=3")


@pytest.mark.parametrize("words,status,complaint", [
    (("show", "7"), 1, "boxctl: '7' is no schedule: it must be a UUID"),
    (("show", str(uuid.UUID(int=7))), 1, f"boxctl: nobody has come to the line of '{uuid.UUID(int=7)}'"),
    ((), 2, "queue show SCHEDULE"),
    (("show",), 2, "queue show SCHEDULE"),
    (("hide", str(uuid.UUID(int=7))), 2, "queue show SCHEDULE"),
], ids=["no UUID", "unknown", "no word", "no schedule", "no such word"])
def test_operator_is_told_what_is_wrong(stack, words, status, complaint):
    done = stack.run("exec", "boxctl", "queue", *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert complaint in done.stderr


# ---- the end ----


def cancel(sale, query, stack) -> None:
    """As the event service would."""
    query(f"UPDATE event_service.event_schedules SET status = 'CANCELLED' WHERE id = '{sale.schedule_id}'")
    redis_says(stack, b"DEL schedule:{%s}:info" % sale.schedule_id.encode())


def test_cancelled_sale_tells_everybody_who_waits_and_lets_them_go(admin, sale, visitors, query, stack, boxctl):
    admitted, *waiting = people = visitors(sale, 4)
    admitted.admit(sale)
    tune(admin, sale, paused=True)
    entered(waiting)
    cancel(sale, query, stack)
    wait_for("the end", lambda: re.search("^state +closed$", boxctl("queue", "show", sale.schedule_id), re.M))
    for person in people:
        answer = person.status()
        assert_error(answer, 409, "SALE_ENDED")
        assert_conforms(answer, "GET", "/queue/status")
    newcomer, = visitors(sale, 1)
    for person in (waiting[0], newcomer):
        assert_error(person.enter(), 409, "SALE_ENDED")
    other = put_on_sale(admin)
    for person in people:
        person.admit(other)


# ---- clocks ----


ODD_HEADERS = {"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "If-Modified-Since": "Fri, 31 Dec 2099 23:59:59 GMT",
               "If-None-Match": "*", "Expires": "0", "Age": "-1"}


def test_clock_of_a_client_means_nothing(admin, visitors):
    sale = put_on_sale(admin, saleStartAt=moment(minutes=30))
    upcoming, = visitors(sale, 1)
    upcoming.session.headers.update(ODD_HEADERS | {"Date": "Fri, 31 Dec 2099 23:59:59 GMT"})
    assert made(upcoming.enter(), 200)["status"] == "PRE_OPEN"
    first, second = visitors(pause_from_the_start(admin), 2)
    entered([first])
    second.session.headers.update(ODD_HEADERS)
    assert made(second.enter(), 200)["rank"] == 2
    assert made(second.status(), 200)["rank"] == 2
    for what in ("serving", "draw"):
        address = f"{sale.base_url}/queue/{what}?scheduleId={sale.schedule_id}"
        answer = requests.get(address, headers=ODD_HEADERS, timeout=TIMEOUT_S)
        assert made(answer, 200)["scheduleId"] == sale.schedule_id
