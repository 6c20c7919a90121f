"""Venues, halls, events and seats through the gateway (EVT-001, EVT-004..007, EVT-010, EVT-013, EVT-018)."""
import base64
import datetime
import unicodedata
import uuid

import pytest

from box_office import wait_for
from people import MALFORMED, Person, assert_error

REVALIDATED = "no-cache, stale-while-revalidate=1"


@pytest.fixture(scope="module")
def admin(base_url, sandbox_url, boxctl):
    admin = Person(base_url, sandbox_url, "관리자")
    admin.sign_up()
    boxctl("admin", "grant", admin.email, "--unproved")
    admin.log_in()
    return admin


@pytest.fixture(scope="module")
def visitor(base_url, sandbox_url):
    return Person(base_url, sandbox_url)


@pytest.fixture(scope="module")
def buyer(base_url, sandbox_url):
    buyer = Person(base_url, sandbox_url)
    buyer.sign_up()
    buyer.log_in()
    return buyer


def moment(**offset) -> str:
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    return (now + datetime.timedelta(**offset)).isoformat()


HALL = {
    "name": "Main Hall",
    "capacity": 9,
    "seatTemplate": {
        "rows": ["A", "B"],
        "seatsPerRow": {"A": 4, "B": 6},
        "gradeMapping": {"A": "VIP", "B": "S"},
        "missing": ["B-3"],
        "accessible": ["A-1"],
        "viewRestricted": ["B-6"],
        "positions": {"A-1": {"x": 10, "y": 20}},
    },
}


def schedule(sequence: int = 1, **changes) -> dict:
    return {
        "playSequence": sequence,
        "eventStartAt": moment(days=30),
        "eventEndAt": moment(days=30, hours=2),
        "saleStartAt": moment(minutes=-1),
        "saleEndAt": moment(days=29),
    } | changes


@pytest.fixture(scope="module")
def venue(admin):
    answer = admin.call("POST", "/venues", json={"name": "Arena", "address": "1 Stage Road", "city": "서울"})
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/venues/{answer.json()['id']}"
    return answer.json()


@pytest.fixture(scope="module")
def hall(admin, venue):
    answer = admin.call("POST", f"/venues/{venue['id']}/halls", json=HALL)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def draft_body(venue, hall):
    return {
        "title": f"봄 콘서트 {uuid.uuid4()}",
        "artist": "아이유",
        "description": "First line\nSecond line",
        "venueId": venue["id"],
        "hallId": hall["id"],
        "gradePrices": {"VIP": 150000, "S": 110000},
        "schedules": [schedule()],
    }


@pytest.fixture
def draft(admin, draft_body):
    answer = admin.call("POST", "/events", json=draft_body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def event(admin, draft):
    answer = admin.call("POST", f"/events/{draft['id']}/publish")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_venue_and_hall_made_are_public(visitor, venue, hall):
    assert visitor.call("GET", f"/venues/{venue['id']}").json() == venue
    halls = visitor.call("GET", f"/venues/{venue['id']}/halls").json()
    assert halls["totalElements"] == 1 and halls["list"][0]["seatTemplate"]["missing"] == ["B-3"]
    page = visitor.call("GET", "/venues?size=1").json()
    assert len(page["list"]) == 1 and page["page"] == 0 and page["size"] == 1 and page["totalElements"] >= 1


def test_draft_is_seen_by_nobody_until_published(admin, visitor, draft, draft_body):
    schedule_id = draft["schedules"][0]["id"]
    assert draft["status"] == "DRAFT"
    assert_error(visitor.call("GET", f"/events/{draft['id']}"), 404, "NOT_FOUND")
    assert_error(visitor.call("GET", f"/events/schedules/{schedule_id}/seats"), 404, "NOT_FOUND")
    assert visitor.call("GET", "/events", params={"q": draft_body["title"]}).json()["totalElements"] == 0
    assert admin.call("POST", f"/events/{draft['id']}/publish").json()["status"] == "OPEN"
    assert visitor.call("GET", f"/events/{draft['id']}").json()["status"] == "ONGOING"
    wait_for("the list", lambda: visitor.call("GET", "/events", params={"q": draft_body["title"]}).json()["list"])


def test_detail_tells_schedules_and_seats_left(visitor, event, venue, hall, draft_body):
    detail = visitor.call("GET", f"/events/{event['id']}")
    body = detail.json()
    assert body["venue"] == {"id": venue["id"], "name": venue["name"]}
    assert body["hall"] == {"id": hall["id"], "name": hall["name"]}
    assert body["description"] == draft_body["description"]
    [performance] = body["schedules"]
    assert performance["status"] == "ONGOING"
    assert performance["total"] == performance["available"] == 9 and performance["soldOut"] is False
    again = visitor.call("GET", f"/events/{event['id']}", headers={"If-None-Match": detail.headers["ETag"]})
    assert again.status_code == 304 and not again.content


def test_seats_follow_the_template(visitor, event):
    path = f"/events/schedules/{event['schedules'][0]['id']}/seats"
    answer = visitor.call("GET", path)
    grades = answer.json()["grades"]
    assert [(grade["grade"], grade["price"]) for grade in grades] == [("VIP", 150000), ("S", 110000)]
    assert [seat["seatNumber"] for seat in grades[0]["seats"]] == ["A-1", "A-2", "A-3", "A-4"]
    assert [seat["seatNumber"] for seat in grades[1]["seats"]] == ["B-1", "B-2", "B-4", "B-5", "B-6"]
    first, last = grades[0]["seats"][0], grades[1]["seats"][-1]
    assert (first["x"], first["y"], first["accessible"], first["row"], first["number"]) == (10, 20, True, "A", 1)
    assert last["viewRestricted"] is True and "x" not in last and last["status"] == "AVAILABLE"
    again = visitor.call("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("window, state", [
    ({"saleStartAt": moment(minutes=-1), "saleEndAt": moment(days=1)}, "ONGOING"),
    ({"saleStartAt": moment(days=1), "saleEndAt": moment(days=2)}, "UPCOMING"),
    ({"saleStartAt": moment(days=-2), "saleEndAt": moment(days=-1)}, "ENDED"),
])
def test_sale_state_follows_the_window(admin, visitor, draft_body, window, state):
    draft_body["schedules"] = [schedule(**window)]
    draft = admin.call("POST", "/events", json=draft_body).json()
    admin.call("POST", f"/events/{draft['id']}/publish")
    assert visitor.call("GET", f"/events/{draft['id']}").json()["status"] == state
    found = visitor.call("GET", "/events", params={"q": draft_body["title"], "status": state}).json()
    assert [item["status"] for item in found["list"]] == [state]


def test_list_filters_and_refuses_what_it_does_not_know(visitor, event):
    for params in [{"artist": "이유"}, {"city": "서울"}, {"status": "ONGOING"}, {"sort": "title"},
                   {"from": moment(days=29)}, {"to": moment(days=31)}]:
        found = visitor.call("GET", "/events", params=params | {"q": event["title"]}).json()
        assert [item["id"] for item in found["list"]] == [event["id"]], params
    for params in [{"city": "부산"}, {"status": "ENDED"}, {"from": moment(days=31)}, {"to": moment(days=29)}]:
        assert visitor.call("GET", "/events", params=params | {"q": event["title"]}).json()["list"] == [], params
    for params in [{"size": 0}, {"size": 101}, {"page": -1}, {"page": "x"}, {"status": "DRAFT"}, {"sort": "price"},
                   {"from": "yesterday"}, {"unknown": 1}]:
        assert_error(visitor.call("GET", "/events", params=params), 400, "INVALID_REQUEST")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_title_is_found_however_it_and_the_question_are_typed(admin, visitor, draft_body, form):
    title = draft_body["title"]
    typed = unicodedata.normalize(form, f" {title.replace(' ', '  ')} ")
    event = admin.call("POST", "/events", json=changed(draft_body, title=typed)).json()
    assert event["title"] == title
    admin.call("POST", f"/events/{event['id']}/publish")
    for question in (title, unicodedata.normalize("NFD", title), f"{title} ", title.replace(" ", "\u3000 ")):
        found = visitor.call("GET", "/events", params={"q": question, "city": "서울 "}).json()
        assert [item["id"] for item in found["list"]] == [event["id"]], question


def test_search_takes_wildcards_literally(visitor, event):
    assert visitor.call("GET", "/events", params={"q": "%"}).json()["totalElements"] == 0 or "%" in event["title"]
    assert visitor.call("GET", "/events", params={"q": event["title"].replace(" ", "_")}).json()["list"] == []


ADMIN_ONLY = [("POST", "/venues"), ("POST", f"/venues/{uuid.uuid4()}/halls"), ("POST", "/events"),
              ("POST", f"/events/{uuid.uuid4()}/publish")]


@pytest.mark.parametrize("method, path", ADMIN_ONLY)
def test_administration_needs_the_role(visitor, buyer, method, path):
    assert_error(visitor.call(method, path, json={}), 401, "TOKEN_MISSING")
    assert_error(buyer.call(method, path, json={}), 403, "FORBIDDEN")


def changed(body: dict, **changes) -> dict:
    return body | changes


BAD_EVENTS = [
    ("unknown field", lambda b: changed(b, extra=1), "extra"),
    ("no title", lambda b: {k: v for k, v in b.items() if k != "title"}, "title"),
    ("title of a wrong type", lambda b: changed(b, title=7), "title"),
    ("empty title", lambda b: changed(b, title=""), "title"),
    ("blank title", lambda b: changed(b, title=" \u3000 "), "title"),
    ("title that nobody sees", lambda b: changed(b, title="\u200b"), "title"),
    ("title that runs backwards", lambda b: changed(b, title="\u202eabc"), "title"),
    ("long title", lambda b: changed(b, title="x" * 201), "title"),
    ("control character", lambda b: changed(b, artist="a\u0007b"), None),
    ("malformed venue id", lambda b: changed(b, venueId="7"), "venueId"),
    ("unknown hall", lambda b: changed(b, hallId=str(uuid.uuid4())), "hallId"),
    ("script as poster", lambda b: changed(b, posterUrl="javascript:alert(1)"), "posterUrl"),
    ("poster that runs backwards", lambda b: changed(b, posterUrl="https://example.com/\u202egpj.a"), "posterUrl"),
    ("grade without price", lambda b: changed(b, gradePrices={"VIP": 1}), "gradePrices.S"),
    ("unknown grade", lambda b: changed(b, gradePrices={"VIP": 1, "S": 1, "Z": 1}), "gradePrices.Z"),
    ("negative price", lambda b: changed(b, gradePrices={"VIP": -1, "S": 1}), "gradePrices.VIP"),
    ("price above the limit", lambda b: changed(b, gradePrices={"VIP": 100_000_001, "S": 1}), "gradePrices.VIP"),
    ("price that overflows", lambda b: changed(b, gradePrices={"VIP": 2**63 - 1, "S": 1}), "gradePrices.VIP"),
    ("fractional price", lambda b: changed(b, gradePrices={"VIP": 1.5, "S": 1}), "gradePrices.VIP"),
    ("no schedule", lambda b: changed(b, schedules=[]), "schedules"),
    ("schedule of a wrong type", lambda b: changed(b, schedules=[7]), "schedules[0]"),
    ("a sequence twice", lambda b: changed(b, schedules=[schedule(), schedule()]), "schedules[1].playSequence"),
    ("no such day", lambda b: changed(b, schedules=[schedule(eventStartAt="2026-02-30T10:00:00")]),
     "schedules[0].eventStartAt"),
    ("ends before it starts", lambda b: changed(b, schedules=[schedule(eventEndAt=moment(days=29, hours=23))]),
     "schedules[0].eventEndAt"),
    ("sale ends before it starts", lambda b: changed(b, schedules=[schedule(saleEndAt=moment(days=-1))]),
     "schedules[0].saleEndAt"),
    ("sale ends after the event", lambda b: changed(b, schedules=[schedule(saleEndAt=moment(days=40))]),
     "schedules[0].saleEndAt"),
    ("admission rate of zero", lambda b: changed(b, schedules=[schedule(admissionRate=0)]),
     "schedules[0].admissionRate"),
]


@pytest.mark.parametrize("make, field", [row[1:] for row in BAD_EVENTS], ids=[row[0] for row in BAD_EVENTS])
def test_event_that_cannot_be_is_refused_with_the_field(admin, draft_body, make, field):
    error = assert_error(admin.call("POST", "/events", json=make(draft_body)), 400, "INVALID_REQUEST")
    assert field is None or field in [detail["field"] for detail in error["details"]]


@pytest.mark.parametrize("body, content_type, status", [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_malformed_event_is_refused_and_the_service_lives(admin, visitor, body, content_type, status):
    answer = admin.call("POST", "/events", data=body, headers={"Content-Type": content_type})
    assert_error(answer, status, "INVALID_REQUEST" if status == 400 else "UNSUPPORTED_MEDIA_TYPE")
    assert visitor.call("GET", "/events").status_code == 200


def test_event_body_over_the_limit_is_too_large(admin, draft_body):
    answer = admin.call("POST", "/events", json=changed(draft_body, description="x" * 100_000))
    assert_error(answer, 413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("changes, field", [
    ({"capacity": 10}, "capacity"),
    ({"capacity": 0}, "capacity"),
    ({"seatTemplate": HALL["seatTemplate"] | {"missing": ["Z-1"]}}, "seatTemplate.missing"),
    ({"seatTemplate": HALL["seatTemplate"] | {"gradeMapping": {"A": "VIP"}}}, "seatTemplate.gradeMapping"),
    ({"seatTemplate": HALL["seatTemplate"] | {"seatsPerRow": -1}}, "seatTemplate.seatsPerRow"),
    ({"seatTemplate": HALL["seatTemplate"] | {"unknown": 1}}, "seatTemplate.unknown"),
    ({"seatTemplate": HALL["seatTemplate"] | {"rows": ["\uac00", "\u1100\u1161"]}}, "seatTemplate.rows"),
    ({"seatTemplate": HALL["seatTemplate"] | {"rows": ["A", "A\u200b"]}}, "seatTemplate.rows[1]"),
])
def test_hall_that_cannot_be_is_refused_with_the_field(admin, venue, changes, field):
    body = HALL | {"name": f"Hall {uuid.uuid4()}"} | changes
    error = assert_error(admin.call("POST", f"/venues/{venue['id']}/halls", json=body), 400, "INVALID_REQUEST")
    assert field in [detail["field"] for detail in error["details"]]


def test_hall_of_a_taken_name_is_a_conflict(admin, venue, hall):
    for name in (HALL["name"], f"{HALL['name']} ", HALL["name"].replace(" ", "\u00a0")):
        assert_error(admin.call("POST", f"/venues/{venue['id']}/halls", json=HALL | {"name": name}), 409, "CONFLICT")


@pytest.mark.parametrize("path", ["/events/7", f"/events/{uuid.uuid4()}", "/venues/x", f"/venues/{uuid.uuid4()}",
                                  f"/venues/{uuid.uuid4()}/halls", "/events/schedules/x/seats",
                                  f"/events/schedules/{uuid.uuid4()}/seats"])
def test_ids_malformed_or_unknown_are_not_found(visitor, path):
    assert_error(visitor.call("GET", path), 404, "NOT_FOUND")


@pytest.mark.parametrize("path", [f"/internal/schedules/{uuid.uuid4()}", f"/internal/seats/status/{uuid.uuid4()}"])
def test_internal_routes_do_not_exist_outside(admin, path):
    assert_error(admin.call("GET", path), 404, "NOT_FOUND")


# The gateway weakens the tags of what it compresses.
AS_IT_IS = {"Accept-Encoding": "identity"}


@pytest.fixture(params=["list", "detail", "seats", "layout", "live"])
def public_path(request, event):
    paths = {
        "list": f"/events?q={event['id']}",
        "detail": f"/events/{event['id']}",
    } | {name: f"/events/schedules/{event['schedules'][0]['id']}/{name}" for name in ("seats", "layout", "live")}
    return paths[request.param]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} , "third"', "*"])
def test_what_has_not_changed_is_not_sent_again(visitor, public_path, form):
    first = visitor.call("GET", public_path, headers=AS_IT_IS)
    assert first.status_code == 200
    tag = first.headers["ETag"]
    assert tag.startswith('"') and first.headers["Cache-Control"] == REVALIDATED
    again = visitor.call("GET", public_path, headers={"If-None-Match": form.format(tag)})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("form", ['"other"', "{}x", 'W/"other", "third"', '"*"', ","])
def test_what_is_not_known_is_sent(visitor, public_path, form):
    tag = visitor.call("GET", public_path, headers=AS_IT_IS).headers["ETag"]
    assert visitor.call("GET", public_path, headers={"If-None-Match": form.format(tag)}).status_code == 200


def test_head_tells_what_get_would(visitor, public_path):
    whole = visitor.call("GET", public_path, headers=AS_IT_IS)
    head = visitor.call("HEAD", public_path, headers=AS_IT_IS)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert head.headers["Content-Length"] == str(len(whole.content))


# ---- the map for phones ----

def ids_of(layout: dict) -> list[str]:
    ids = base64.b64decode(layout["ids"])
    return [str(uuid.UUID(bytes=ids[i:i + 16])) for i in range(0, len(ids), 16)]


def test_layout_tells_what_the_seats_do(visitor, event):
    path = f"/events/schedules/{event['schedules'][0]['id']}"
    seats = [seat | {"grade": grade["grade"], "price": grade["price"]}
             for grade in visitor.call("GET", f"{path}/seats").json()["grades"] for seat in grade["seats"]]
    layout = visitor.call("GET", f"{path}/layout").json()
    assert ids_of(layout) == [seat["id"] for seat in seats]
    assert layout["count"] == len(seats) == 9
    assert [(row["row"], row["grade"], row["numbers"]) for row in layout["rows"]] == [
        ("A", "VIP", [1, 4]), ("B", "S", [1, 2, 4, 3])]
    assert [row["price"] for row in layout["rows"]] == [seats[0]["price"], seats[-1]["price"]]
    assert layout["rows"][0]["places"] == [10, 20] + 6 * [None] and "places" not in layout["rows"][1]
    assert (layout["accessible"], layout["viewRestricted"]) == ([0], [8])


def test_layout_of_its_version_may_be_kept_for_ever(visitor, event):
    path = f"/events/schedules/{event['schedules'][0]['id']}"
    live = visitor.call("GET", f"{path}/live").json()
    kept = visitor.call("GET", f"{path}/layout?v={live['layout']}")
    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable, stale-while-revalidate=1"
    assert kept.json()["version"] == live["layout"]
    for other in ("", f"?v={live['layout'] + 1}", "?v=0"):
        answer = visitor.call("GET", f"{path}/layout{other}")
        assert (answer.headers["Cache-Control"], answer.json()) == (REVALIDATED, kept.json())


@pytest.mark.parametrize("query", ["?v=", f"?v={'1' * 21}", "?w=1", "?v=1&w=1"])
def test_layout_is_asked_for_by_version_alone(visitor, event, query):
    assert_error(visitor.call("GET", f"/events/schedules/{event['schedules'][0]['id']}/layout{query}"), 400,
                 "INVALID_REQUEST")


def test_live_state_begins_with_no_seat_sold(visitor, event):
    live = visitor.call("GET", f"/events/schedules/{event['schedules'][0]['id']}/live").json()
    assert (live["count"], base64.b64decode(live["sold"])) == (9, b"\0\0")


@pytest.mark.parametrize("name", ["seats", "layout", "live"])
def test_map_of_a_draft_or_of_nothing_is_not_there(visitor, draft, name):
    for schedule_id in (draft["schedules"][0]["id"], str(uuid.uuid4())):
        assert_error(visitor.call("GET", f"/events/schedules/{schedule_id}/{name}"), 404, "NOT_FOUND")
