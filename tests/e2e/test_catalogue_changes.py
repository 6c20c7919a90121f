"""What administrators change of the catalogue, and what stands in their way (EVT-002, 003, 011, 012, 014, 015, 022)."""
import concurrent.futures
import json
import uuid

import pytest

from box_office import Buyer, made, moment, new_admin, new_buyer, put_on_sale, wait_for
from people import Person, assert_error

TEMPLATE = {"rows": ["A"], "seatsPerRow": 10, "gradeMapping": {"A": "VIP"}}
SMALLER = {"rows": ["A"], "seatsPerRow": 4, "gradeMapping": {"A": "S"}}


@pytest.fixture(scope="module")
def admin(base_url, sandbox_url, boxctl):
    return new_admin(base_url, sandbox_url, boxctl)


@pytest.fixture
def venue(admin):
    return made(admin.call("POST", "/venues", json={"name": f"Arena {uuid.uuid4()}", "address": "1 Road", "city": "서울"}))


@pytest.fixture
def hall(admin, venue):
    return made(admin.call("POST", f"/venues/{venue['id']}/halls",
                           json={"name": "Hall", "capacity": 10, "seatTemplate": TEMPLATE}))


def draft_of(venue, hall, **schedule) -> dict:
    times = {"playSequence": 1, "eventStartAt": moment(days=30), "eventEndAt": moment(days=30, hours=2),
             "saleStartAt": moment(days=1), "saleEndAt": moment(days=29)} | schedule
    return {"title": f"Concert {uuid.uuid4()}", "artist": "Artist", "description": "", "venueId": venue["id"],
            "hallId": hall["id"], "gradePrices": {"VIP": 150000}, "schedules": [times]}


@pytest.fixture
def make(admin, venue, hall):
    """make(**schedule) is a published event whose sale begins tomorrow unless the schedule says otherwise."""
    def event(publish: bool = True, **schedule) -> dict:
        event = made(admin.call("POST", "/events", json=draft_of(venue, hall, **schedule)))
        return made(admin.call("POST", f"/events/{event['id']}/publish"), 200) if publish else event
    return event


def change(admin, event: dict, **changes):
    return admin.call("PUT", f"/events/{event['id']}", json=changes)


# ---- venues and halls ----


def test_venue_changes_what_is_named_and_nothing_else(admin, venue):
    changed = made(admin.call("PUT", f"/venues/{venue['id']}", json={"city": "부산"}), 200)
    assert changed == venue | {"city": "부산"}
    assert admin.call("GET", f"/venues/{venue['id']}").json() == changed


def test_new_name_of_a_venue_is_told_with_its_events_at_once(admin, base_url, sandbox_url, venue, make):
    event = make()
    visitor = Person(base_url, sandbox_url)
    assert visitor.call("GET", f"/events/{event['id']}").json()["venue"]["name"] == venue["name"]
    made(admin.call("PUT", f"/venues/{venue['id']}", json={"name": "New Name"}), 200)
    wait_for("the new name", lambda: visitor.call("GET", f"/events/{event['id']}").json()["venue"]["name"] == "New Name", 5)


def test_venue_with_halls_stays_and_says_which(admin, venue, hall):
    refused = assert_error(admin.call("DELETE", f"/venues/{venue['id']}"), 409, "IN_USE")
    assert refused["details"] == [{"field": "halls", "reason": "Hall"}]
    assert admin.call("DELETE", f"/venues/{venue['id']}/halls/{hall['id']}").status_code == 204
    assert admin.call("DELETE", f"/venues/{venue['id']}").status_code == 204
    assert_error(admin.call("DELETE", f"/venues/{venue['id']}"), 404, "NOT_FOUND")
    assert_error(admin.call("GET", f"/venues/{venue['id']}"), 404, "NOT_FOUND")


def test_hall_of_an_event_to_come_keeps_its_template_and_says_for_which(admin, venue, hall, make):
    event = make()
    path = f"/venues/{venue['id']}/halls/{hall['id']}"
    refused = assert_error(admin.call("PUT", path, json={"capacity": 4, "seatTemplate": SMALLER}), 409, "IN_USE")
    assert refused["details"] == [{"field": "events", "reason": event["title"]}]
    assert made(admin.call("PUT", path, json={"name": "대강당"}), 200)["name"] == "대강당"
    assert_error(admin.call("DELETE", path), 409, "IN_USE")
    admin.call("POST", f"/events/{event['id']}/cancel", json={"reason": "ill"})
    changed = made(admin.call("PUT", path, json={"capacity": 4, "seatTemplate": SMALLER}), 200)
    assert (changed["capacity"], changed["seatTemplate"]["seatsPerRow"]) == (4, 4)
    assert_error(admin.call("DELETE", path), 409, "IN_USE")  # the seats of that event are of this hall


@pytest.mark.parametrize("body,field", [
    ({"capacity": 4}, "seatTemplate"), ({"seatTemplate": SMALLER}, "capacity"),
    ({"seatTemplate": {"missing": ["A-1"]}}, "capacity"), ({"seatTemplate": {"sections": [SMALLER]}}, "capacity"),
    ({"capacity": 5, "seatTemplate": SMALLER}, "capacity"), ({"name": ""}, "name"), ({"id": str(uuid.uuid4())}, "id")])
def test_hall_change_that_contradicts_itself_names_the_field(admin, venue, hall, body, field):
    refused = assert_error(admin.call("PUT", f"/venues/{venue['id']}/halls/{hall['id']}", json=body), 400, "INVALID_REQUEST")
    assert refused["details"][0]["field"] == field


def test_hall_of_another_venue_is_not_found(admin, hall, base_url, sandbox_url):
    other = made(admin.call("POST", "/venues", json={"name": "Other", "address": "2 Road", "city": "서울"}))
    path = f"/venues/{other['id']}/halls/{hall['id']}"
    assert_error(admin.call("PUT", path, json={"name": "x"}), 404, "NOT_FOUND")
    assert_error(admin.call("DELETE", path), 404, "NOT_FOUND")


def test_hall_deleted_while_events_are_made_there_is_gone_or_used(admin, venue):
    """Either the hall is there with the event, or neither is."""
    for _ in range(5):
        hall = made(admin.call("POST", f"/venues/{venue['id']}/halls", json={
            "name": f"Hall {uuid.uuid4()}", "capacity": 10, "seatTemplate": TEMPLATE}))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            creating = pool.submit(admin.call, "POST", "/events", json=draft_of(venue, hall))
            deleting = pool.submit(admin.call, "DELETE", f"/venues/{venue['id']}/halls/{hall['id']}")
        statuses = creating.result().status_code, deleting.result().status_code
        assert statuses in ((201, 409), (400, 204)), statuses


def test_venue_deleted_while_halls_are_made_there_is_gone_or_used(admin):
    """Either the venue is there with the hall, or neither is."""
    for _ in range(10):
        venue = made(admin.call("POST", "/venues", json={"name": f"Arena {uuid.uuid4()}", "address": "1 Road", "city": "서울"}))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            creating = pool.submit(admin.call, "POST", f"/venues/{venue['id']}/halls", json={
                "name": "Hall", "capacity": 10, "seatTemplate": TEMPLATE})
            deleting = pool.submit(admin.call, "DELETE", f"/venues/{venue['id']}")
        statuses = creating.result().status_code, deleting.result().status_code
        assert statuses in ((201, 409), (404, 204)), statuses


# ---- events ----


def test_event_changes_before_its_sale(admin, make):
    event = make()
    schedule = event["schedules"][0]
    changed = made(change(admin, event, title="다른 제목", gradePrices={"VIP": 99000}, schedules=[
        {"id": schedule["id"], "saleStartAt": moment(days=2), "queueCapacity": 7}]), 200)
    assert changed["title"] == "다른 제목" and changed["artist"] == event["artist"]
    assert changed["schedules"][0]["saleStartAt"] != schedule["saleStartAt"]
    assert changed["schedules"][0]["eventStartAt"] == schedule["eventStartAt"]
    grades = admin.call("GET", f"/events/schedules/{schedule['id']}/seats").json()["grades"]
    assert [grade["price"] for grade in grades] == [99000]


def test_event_on_sale_changes_harmless_fields_only(admin, make):
    event = make(saleStartAt=moment(seconds=50))  # as good as begun: copies of before may still be about
    schedule = event["schedules"][0]
    assert_error(change(admin, event, gradePrices={"VIP": 1}), 409, "EVENT_ON_SALE")
    for name in ("eventStartAt", "eventEndAt", "saleStartAt", "saleEndAt"):
        assert_error(change(admin, event, title="never", schedules=[{"id": schedule["id"], name: moment(days=28)}]), 409,
                     "EVENT_ON_SALE")
    changed = made(change(admin, event, title="New", artist="Other", description="a\nb", posterUrl="https://example.com/p",
                          schedules=[{"id": schedule["id"], "admissionRate": 500}]), 200)
    assert (changed["title"], changed["artist"], changed["description"]) == ("New", "Other", "a\nb")
    assert changed["schedules"][0] == schedule


def test_draft_changes_freely(admin, make):
    event = make(publish=False, saleStartAt=moment(minutes=-5))
    schedule = event["schedules"][0]
    changed = made(change(admin, event, gradePrices={"VIP": 5}, schedules=[
        {"id": schedule["id"], "saleEndAt": moment(days=20)}]), 200)
    assert changed["schedules"][0]["saleEndAt"] != schedule["saleEndAt"]


@pytest.mark.parametrize("changes,field", [
    ({"gradePrices": {"B": 1}}, "gradePrices.B"), ({"gradePrices": {"VIP": -1}}, "gradePrices.VIP"),
    ({"gradePrices": {"VIP": 100000001}}, "gradePrices.VIP"), ({"gradePrices": {"X": 1}}, "gradePrices.X"),
    ({"posterUrl": "javascript:alert(1)"}, "posterUrl"), ({"title": ""}, "title"), ({"status": "OPEN"}, "status"),
    ({"schedules": [{"id": str(uuid.uuid4())}]}, "schedules[0].id"),
    ({"schedules": [{"saleEndAt": moment(days=1)}]}, "schedules[0].id")])
def test_event_change_that_cannot_be_names_the_field_and_changes_nothing(admin, make, changes, field):
    event = make()
    before = admin.call("GET", f"/events/{event['id']}").json()
    refused = assert_error(change(admin, event, **({"artist": "never"} | changes)), 400, "INVALID_REQUEST")
    assert field in [entry["field"] for entry in refused["details"]]
    assert admin.call("GET", f"/events/{event['id']}").json() == before


def test_times_that_contradict_each_other_after_the_change_are_refused(admin, make):
    event = make()
    schedule = event["schedules"][0]["id"]
    for times, field in (({"eventStartAt": moment(days=31)}, "eventEndAt"), ({"saleStartAt": moment(days=29, hours=1)}, "saleEndAt"),
                         ({"eventEndAt": moment(days=28)}, "eventEndAt"), ({"saleEndAt": moment(days=31)}, "saleEndAt")):
        refused = assert_error(change(admin, event, schedules=[{"id": schedule} | times]), 400, "INVALID_REQUEST")
        assert f"schedules[0].{field}" in [entry["field"] for entry in refused["details"]]


def test_performance_that_is_named_twice_is_refused(admin, make):
    event = make()
    schedule = event["schedules"][0]["id"]
    refused = assert_error(change(admin, event, schedules=[
        {"id": schedule, "queueCapacity": 5}, {"id": schedule, "admissionRate": 5}]), 400, "INVALID_REQUEST")
    assert refused["details"] == [{"field": "schedules[1].id", "reason": "appears twice"}]


def test_changes_of_one_event_at_once_all_count(admin, make):
    event = make()
    parts = [{"title": "T"}, {"artist": "A"}, {"description": "D"}, {"posterUrl": "https://example.com/P"}]
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        assert all(one.status_code == 200 for one in pool.map(lambda part: change(admin, event, **part), parts))
    now = admin.call("GET", f"/events/{event['id']}").json()
    assert all(now[name] == value for part in parts for name, value in part.items())


# ---- deleting ----


def test_event_that_is_not_on_sale_is_deleted_and_hidden(admin, make):
    event = make()
    assert admin.call("DELETE", f"/events/{event['id']}").status_code == 204
    for path in (f"/events/{event['id']}", f"/events/schedules/{event['schedules'][0]['id']}/seats"):
        assert_error(admin.call("GET", path), 404, "NOT_FOUND")
    assert_error(admin.call("DELETE", f"/events/{event['id']}"), 404, "NOT_FOUND")
    assert_error(change(admin, event, title="x"), 404, "NOT_FOUND")


def test_event_on_sale_is_not_deleted(admin, make):
    event = make(saleStartAt=moment(seconds=50))
    assert_error(admin.call("DELETE", f"/events/{event['id']}"), 409, "EVENT_ON_SALE")


def test_event_whose_sale_has_just_ended_is_not_deleted_yet(admin, make, query):
    """Copies that say that it is on sale may still be about."""
    event = make(saleStartAt=moment(days=-1))
    for minutes, status in ((1, 409), (3, 204)):
        query(f"UPDATE event_service.event_schedules SET sale_end_at = clock_timestamp() - interval '{minutes} minutes' "
              f"WHERE event_id = '{event['id']}'")
        assert admin.call("DELETE", f"/events/{event['id']}").status_code == status


def test_event_with_a_reservation_is_not_deleted(admin, base_url, sandbox_url, query):
    sale = put_on_sale(admin)
    buyer = new_buyer(base_url, sandbox_url, sale)
    assert buyer.hold(sale.seats[0]).status_code == 201
    query(f"UPDATE event_service.event_schedules SET sale_start_at = sale_start_at - interval '1 hour', "
          f"sale_end_at = clock_timestamp() - interval '10 minutes' WHERE id = '{sale.schedule_id}'")
    assert_error(admin.call("DELETE", f"/events/{sale.event_id}"), 409, "EVENT_HAS_RESERVATIONS")
    assert admin.call("GET", f"/events/{sale.event_id}").status_code == 200
    query(f"UPDATE reservation_service.seat_claims SET expires_at = clock_timestamp() WHERE schedule_id = '{sale.schedule_id}'")
    assert admin.call("DELETE", f"/events/{sale.event_id}").status_code == 204


# ---- calling off ----


def events_of(query, event_id: str) -> list[dict]:
    rows = query("SELECT envelope FROM common.outbox_events WHERE event_type = 'ScheduleCancelled' "
                 f"AND partition_key = '{event_id}' ORDER BY id")
    return [json.loads(row[0]) for row in rows]


def test_event_that_is_called_off_says_so_once_for_each_performance(admin, venue, hall, query):
    draft = draft_of(venue, hall)
    draft["schedules"].append(draft["schedules"][0] | {"playSequence": 2})
    event = made(admin.call("POST", "/events", json=draft))
    made(admin.call("POST", f"/events/{event['id']}/publish"), 200)
    first, second = (schedule["id"] for schedule in event["schedules"])
    only = made(admin.call("POST", f"/events/schedules/{first}/cancel", json={"reason": "가수가 아픕니다"}), 200)
    assert [one["status"] for one in only["schedules"]] == ["CANCELLED", "UPCOMING"]
    for _ in range(2):
        ended = made(admin.call("POST", f"/events/{event['id']}/cancel", json={"reason": "storm"}), 200)
        assert ended["status"] == "CANCELLED" and {one["status"] for one in ended["schedules"]} == {"CANCELLED"}
        made(admin.call("POST", f"/events/schedules/{first}/cancel", json={"reason": "again"}), 200)
    said = events_of(query, event["id"])
    assert [(one["payload"]["scheduleId"], one["payload"]["reason"]) for one in said] == [
        (first, "가수가 아픕니다"), (second, "storm")]
    envelope = said[0]
    assert (envelope["eventType"], envelope["aggregateType"], envelope["aggregateId"], envelope["version"]) == (
        "ScheduleCancelled", "Schedule", first, "v1")
    assert set(envelope["payload"]) == {"scheduleId", "eventId", "reason", "cancelledAt"}
    assert envelope["payload"]["eventId"] == event["id"]


def has_taken_place(query, *schedules: str) -> None:
    for schedule in schedules:
        query("UPDATE event_service.event_schedules SET event_start_at = event_start_at - interval '31 days', "
              "event_end_at = event_end_at - interval '31 days', sale_start_at = sale_start_at - interval '31 days', "
              f"sale_end_at = sale_end_at - interval '31 days' WHERE id = '{schedule}'")


def test_what_has_taken_place_is_not_called_off(admin, venue, hall, query):
    draft = draft_of(venue, hall)
    draft["schedules"] += [draft["schedules"][0] | {"playSequence": number} for number in (2, 3)]
    event = made(admin.call("POST", "/events", json=draft))
    made(admin.call("POST", f"/events/{event['id']}/publish"), 200)
    first, second, third = (schedule["id"] for schedule in event["schedules"])
    has_taken_place(query, first)
    assert_error(admin.call("POST", f"/events/schedules/{first}/cancel", json={"reason": "late"}), 409, "CONFLICT")
    made(admin.call("POST", f"/events/schedules/{second}/cancel", json={"reason": "ill"}), 200)
    for _ in range(2):
        ended = made(admin.call("POST", f"/events/{event['id']}/cancel", json={"reason": "storm"}), 200)
        assert ended["status"] == "CANCELLED"
        assert [one["status"] for one in ended["schedules"]] == ["ENDED", "CANCELLED", "CANCELLED"]
    assert [one["payload"]["scheduleId"] for one in events_of(query, event["id"])] == [second, third]


def test_event_of_which_nothing_is_to_come_is_not_called_off(admin, venue, hall, query):
    draft = draft_of(venue, hall)
    draft["schedules"].append(draft["schedules"][0] | {"playSequence": 2})
    event = made(admin.call("POST", "/events", json=draft))
    first, second = (schedule["id"] for schedule in event["schedules"])
    made(admin.call("POST", f"/events/{event['id']}/publish"), 200)
    made(admin.call("POST", f"/events/schedules/{second}/cancel", json={"reason": "ill"}), 200)
    has_taken_place(query, first)
    assert_error(admin.call("POST", f"/events/{event['id']}/cancel", json={"reason": "late"}), 409, "CONFLICT")
    assert made(admin.call("POST", f"/events/{event['id']}/publish"), 200)["status"] == "OPEN"
    has_taken_place(query, second)
    assert made(admin.call("POST", f"/events/{event['id']}/publish"), 200)["status"] == "ENDED"
    assert [one["payload"]["scheduleId"] for one in events_of(query, event["id"])] == [second]


def test_performance_that_is_called_off_sells_nothing_more(admin, base_url, sandbox_url):
    sale = put_on_sale(admin)
    buyer = new_buyer(base_url, sandbox_url, sale)
    made(admin.call("POST", f"/events/schedules/{sale.schedule_id}/cancel", json={"reason": "storm"}), 200)
    late = Buyer(base_url, sandbox_url)
    late.sign_up()
    late.log_in()
    wait_for("the end of the sale", lambda: late.call(
        "POST", "/queue/enter", json={"scheduleId": sale.schedule_id}).json().get("code") == "SALE_ENDED")
    assert_error(buyer.hold(sale.seats[0]), 409, "SALE_ENDED")


def test_draft_is_not_called_off_and_stays_unknown(admin, base_url, sandbox_url, make, query):
    event = make(publish=False)
    schedule = event["schedules"][0]["id"]
    for path in (f"/events/{event['id']}", f"/events/schedules/{schedule}"):
        assert_error(admin.call("POST", f"{path}/cancel", json={"reason": "storm"}), 409, "EVENT_IS_DRAFT")
    visitor = Person(base_url, sandbox_url)
    for path in (f"/events/{event['id']}", f"/events/schedules/{schedule}/seats", f"/events/schedules/{schedule}/live"):
        assert_error(visitor.call("GET", path), 404, "NOT_FOUND")
    assert events_of(query, event["id"]) == []
    made(admin.call("POST", f"/events/{event['id']}/publish"), 200)


def test_event_called_off_while_it_is_published_was_public_or_is_a_draft_no_more(admin, make, query):
    for _ in range(5):
        event = make(publish=False)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            publishing = pool.submit(admin.call, "POST", f"/events/{event['id']}/publish")
            ending = pool.submit(admin.call, "POST", f"/events/{event['id']}/cancel", json={"reason": "storm"})
        assert publishing.result().status_code == 200
        said = 1 if ending.result().status_code == 200 else 0
        assert said or ending.result().json()["code"] == "EVENT_IS_DRAFT"
        assert len(events_of(query, event["id"])) == said


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": 7}, {"reason": "x", "refund": 0}])
def test_calling_off_needs_a_reason(admin, make, body):
    event = make()
    assert_error(admin.call("POST", f"/events/{event['id']}/cancel", json=body), 400, "INVALID_REQUEST")
    assert admin.call("GET", f"/events/{event['id']}").json()["status"] == "UPCOMING"


def test_event_that_was_called_off_changes_no_more(admin, make):
    event = make()
    admin.call("POST", f"/events/{event['id']}/cancel", json={"reason": "storm"})
    assert_error(change(admin, event, title="x"), 409, "CONFLICT")
    assert_error(admin.call("POST", f"/events/{event['id']}/publish"), 409, "CONFLICT")


# ---- who has done what ----


def test_every_change_is_written_down_with_who_and_what(admin, venue, make):
    event = make()
    me = admin.call("GET", "/users/me").json()["id"]
    made(change(admin, event, title="After", gradePrices={"VIP": 7}), 200)
    made(admin.call("POST", f"/events/{event['id']}/cancel", json={"reason": "storm"}), 200)
    changes = admin.call("GET", f"/events/audit?subjectId={event['id']}").json()["items"]
    assert {one["adminId"] for one in changes} == {me}
    told = [(one["action"], one["subject"], one["before"], one["after"]) for one in changes]
    assert told[0] == ("UPDATE", "EVENT", {"status": "OPEN"}, {"status": "CANCELLED"})
    assert ("UPDATE", "EVENT", {"title": event["title"]}, {"title": "After"}) in told
    assert ("UPDATE", "PRICE", {"grade": "VIP", "price": 150000}, {"grade": "VIP", "price": 7}) in told
    assert told[-1][0] == "INSERT" and told[-1][2] is None and told[-1][3]["title"] == event["title"]
    schedule, = admin.call("GET", f"/events/audit?subjectId={event['schedules'][0]['id']}&size=1").json()["items"]
    assert schedule["after"]["status"] == "CANCELLED" and schedule["after"]["cancel_reason"] == "storm"
    of_venue = admin.call("GET", f"/events/audit?subjectId={venue['id']}").json()["items"]
    assert [(one["action"], one["after"]["name"]) for one in of_venue] == [("INSERT", venue["name"])]


def test_changes_are_paged_without_a_gap(admin, make):
    event = make()
    for number in range(5):
        made(change(admin, event, title=f"Title {number}"), 200)
    seen, before = [], ""
    while before is not None:
        page = admin.call("GET", f"/events/audit?subjectId={event['id']}&size=2{before}").json()
        seen += [one["id"] for one in page["items"]]
        before = page["next"] and f"&before={page['next']}"
        made(change(admin, event, artist=f"Artist {len(seen)}"), 200)
    assert len(seen) == len(set(seen)) == 8  # made, priced, published, and five titles
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("method,path", [
    ("PUT", "/venues/{id}"), ("DELETE", "/venues/{id}"), ("PUT", "/venues/{id}/halls/{id}"), ("DELETE", "/venues/{id}/halls/{id}"),
    ("PUT", "/events/{id}"), ("DELETE", "/events/{id}"), ("POST", "/events/{id}/cancel"), ("POST", "/events/schedules/{id}/cancel"),
    ("GET", "/events/audit")])
def test_changes_are_for_administrators(base_url, sandbox_url, method, path):
    visitor = Person(base_url, sandbox_url)
    path = path.replace("{id}", str(uuid.uuid4()))
    body = {} if method in ("GET", "DELETE") else {"json": {"reason": "x"} if "cancel" in path else {}}
    assert visitor.call(method, path, **body).status_code == 401
    visitor.sign_up()
    visitor.log_in()
    assert_error(visitor.call(method, path, **body), 403, "FORBIDDEN")
