"""What an administrator changes is soon read by everybody, although answers are kept for minutes (EVT-017, 019, 024)."""
import datetime
import uuid

import pytest
import requests

from box_office import Buyer, made, moment, wait_for
from people import TIMEOUT_S

SOON_S = 6  # an answer is kept for a minute at least, a map of seats for ten seconds, a schedule's data for thirty
HALL = {"name": "Hall", "capacity": 2, "seatTemplate": {"rows": ["A"], "seatsPerRow": 2, "gradeMapping": {"A": "VIP"}}}


@pytest.fixture
def make(admin):
    """make(**schedule) is an event of one performance whose sale begins tomorrow unless the schedule says otherwise."""
    def event(publish: bool = True, **schedule) -> dict:
        venue = made(admin.call("POST", "/venues", json={"name": "Arena", "address": "1 Road", "city": "서울"}))
        hall = made(admin.call("POST", f"/venues/{venue['id']}/halls", json=HALL))
        times = {"playSequence": 1, "eventStartAt": moment(days=30), "eventEndAt": moment(days=30, hours=2),
                 "saleStartAt": moment(days=1), "saleEndAt": moment(days=29)} | schedule
        event = made(admin.call("POST", "/events", json={
            "title": f"Concert {uuid.uuid4()}", "artist": "Artist", "description": "", "venueId": venue["id"],
            "hallId": hall["id"], "gradePrices": {"VIP": 150000}, "schedules": [times]}))
        return made(admin.call("POST", f"/events/{event['id']}/publish"), 200) if publish else event
    return event


@pytest.fixture
def read(base_url):
    """read(path) is what a visitor is told; None: there is no such thing."""
    def answer(path: str) -> dict | None:
        got = requests.get(base_url + path, timeout=TIMEOUT_S)
        assert got.status_code in (200, 404), got.text
        return got.json() if got.status_code == 200 else None
    return answer


def listed(read, event: dict) -> dict | None:
    return next((one for one in read("/events?sort=newest&size=50")["list"] if one["id"] == event["id"]), None)


def paths_of(event: dict) -> dict[str, str]:
    schedule = f"/events/schedules/{event['schedules'][0]['id']}"
    return {name: f"{schedule}/{name}" for name in ("seats", "layout", "live")} | {"event": f"/events/{event['id']}"}


def soon(what: str, ask) -> None:
    wait_for(what, ask, SOON_S)


def assert_read(read, event: dict) -> None:
    """By a visitor, in each way, so that there are copies."""
    assert all(read(path) for path in paths_of(event).values())
    soon("its place in the list", lambda: listed(read, event))  # the gateway keeps a list for a second


def test_change_of_an_event_is_read_by_everybody(admin, make, read):
    event = make()
    paths = paths_of(event)
    assert_read(read, event)
    before = {name: read(path) for name, path in paths.items()}
    made(admin.call("PUT", paths["event"], json={"title": "Another", "gradePrices": {"VIP": 7}}), 200)
    soon("the title", lambda: read(paths["event"])["title"] == "Another")
    soon("the title in the list", lambda: listed(read, event)["title"] == "Another")
    soon("the price", lambda: read(paths["seats"])["grades"][0]["price"] == 7)
    soon("a layout of another version", lambda: read(paths["layout"])["version"] != before["layout"]["version"])
    soon("its seats' version", lambda: read(paths["live"])["layout"] != before["live"]["layout"])
    assert read(paths["layout"])["rows"][0]["price"] == 7
    assert read(paths["live"])["layout"] == read(paths["layout"])["version"]


def test_event_that_is_called_off_is_so_for_everybody(admin, make, read):
    event = make()
    path = paths_of(event)["event"]
    assert_read(read, event)
    made(admin.call("POST", f"{path}/cancel", json={"reason": "ill"}), 200)
    soon("its status", lambda: read(path)["status"] == "CANCELLED")
    soon("its status in the list", lambda: listed(read, event)["status"] == "CANCELLED")


def test_event_that_is_deleted_is_gone_for_everybody(admin, make, read):
    event = make()
    paths = paths_of(event)
    assert_read(read, event)
    assert admin.call("DELETE", paths["event"]).status_code == 204
    for path in paths.values():
        soon(f"the end of {path}", lambda path=path: read(path) is None)
    soon("its end in the list", lambda: listed(read, event) is None)


def test_event_that_is_published_is_listed_for_everybody(admin, make, read):
    event = make(publish=False)
    assert listed(read, event) is None
    made(admin.call("POST", f"/events/{event['id']}/publish"), 200)
    soon("its place in the list", lambda: listed(read, event))


def test_new_name_of_a_hall_is_read_by_everybody(admin, make, read):
    event = make()
    path = paths_of(event)["event"]
    assert read(path)["hall"]["name"] == "Hall"
    made(admin.call("PUT", f"/venues/{event['venue']['id']}/halls/{event['hall']['id']}", json={"name": "Dome"}), 200)
    soon("the name", lambda: read(path)["hall"]["name"] == "Dome")


def test_sale_that_is_moved_opens_for_who_has_asked_before(admin, make, base_url, sandbox_url):
    """The queue has a copy of the schedule, too."""
    event = make()
    schedule = event["schedules"][0]["id"]
    buyer = Buyer(base_url, sandbox_url)
    buyer.sign_up()
    buyer.log_in()

    def enter():
        return buyer.call("POST", "/queue/enter", json={"scheduleId": schedule})
    assert enter().json()["code"] == "SALE_NOT_OPEN"
    made(admin.call("PUT", f"/events/{event['id']}", json={
        "schedules": [{"id": schedule, "saleStartAt": moment(minutes=-1)}]}), 200)
    soon("the opening", lambda: enter().status_code == 200)


def test_sale_that_has_opened_is_never_told_to_be_to_come(make, read):
    """However often it was asked about just before: nobody keeps an answer beyond the edge."""
    opens = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=5)
    path = paths_of(make(saleStartAt=opens.isoformat()))["event"]
    told = []
    while not told or told[-1][0] < opens + datetime.timedelta(seconds=1):
        asked = datetime.datetime.now(datetime.timezone.utc)
        told.append((asked, read(path)["status"]))
    assert told[0][1] == "UPCOMING"
    assert {status for asked, status in told if asked >= opens} == {"ONGOING"}
