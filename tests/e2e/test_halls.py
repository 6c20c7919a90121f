"""Halls with sections, from the template to the seat map (EVT-009, EVT-013, EVT-018)."""
import json
import operator
import pathlib
import string
import subprocess
import sys

import pytest

import contract
from box_office import made, put_on_sale
from people import assert_error

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import halllib  # noqa: E402

ARENA = json.loads((ROOT / "docs/examples/arena-50000.json").read_text())
ROWS = {"rows": ["A"], "seatsPerRow": 2, "gradeMapping": "S"}
A_MILLION = {"rowRange": {"from": "1", "to": "1000"}, "seatsPerRow": 1000, "gradeMapping": "S"}
ONE = {"rowRange": {"from": "1", "to": "1"}, "seatsPerRow": 1, "gradeMapping": "S"}
ABSENT_MEMBERS = 64  # at most: what is stored of those that a section does not have
TWINS = {"name": "Twins", "capacity": 4, "seatTemplate": {"sections": [{"name": "1"} | ROWS, {"name": "2"} | ROWS]}}


@pytest.fixture(scope="module")
def arena(admin):
    return put_on_sale(admin, hall=ARENA, grades=halllib.GRADES)


def told(admin, sale) -> list[dict]:
    """The seats as /seats tells them, each with its grade."""
    seats = admin.call("GET", f"/events/schedules/{sale.schedule_id}/seats").json()
    contract.validate(seats, "/components/schemas/SeatMap")
    return [seat | {"grade": grade["grade"]} for grade in seats["grades"] for seat in grade["seats"]]


def mapped(admin, sale) -> list[halllib.Seat]:
    path = f"/events/schedules/{sale.schedule_id}"
    layout, live = (admin.call("GET", f"{path}/{name}").json() for name in ("layout", "live"))
    contract.validate(layout, "/components/schemas/SeatLayout")
    return halllib.seats_of_performance(layout, live, set())


def test_arena_of_sections_has_the_seats_that_its_template_says(admin, arena):
    seats = mapped(admin, arena)
    assert len(seats) == ARENA["capacity"] == 50_000
    by_number = operator.attrgetter("number")
    assert sorted(seats, key=by_number) == sorted(halllib.seats_of_hall(ARENA), key=by_number)


def test_arena_is_told_alike_by_both_documents(admin, arena):
    seats = told(admin, arena)
    assert [(seat["seatNumber"], seat["section"], seat["row"], seat["grade"], seat["x"], seat["y"]) for seat in seats] == [
        (seat.number, seat.section, seat.row, seat.grade, seat.x, seat.y) for seat in mapped(admin, arena)]


def test_arena_is_drawn_from_what_everybody_is_told(arena, base_url):
    drawn = subprocess.run([ROOT / "scripts/draw-hall", f"{base_url}/events/schedules/{arena.schedule_id}"],
                           text=True, capture_output=True, timeout=30)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert drawn.stdout.count("h0") == 50_000
    assert ">VIP 1,816<" in drawn.stdout and ">B 24,752<" in drawn.stdout


def test_rows_of_one_label_in_two_sections_are_told_apart(admin):
    sale = put_on_sale(admin, hall=TWINS, grades=("S",))
    assert [seat["seatNumber"] for seat in told(admin, sale)] == ["1-A-1", "1-A-2", "2-A-1", "2-A-2"]
    layout = admin.call("GET", f"/events/schedules/{sale.schedule_id}/layout").json()
    assert [(row["section"], row["row"], row["numbers"]) for row in layout["rows"]] == [("1", "A", [1, 2]), ("2", "A", [1, 2])]


def test_hall_of_sections_is_answered_as_it_may_be_sent_again(admin):
    venue = made(admin.call("POST", "/venues", json={"name": "Arena", "address": "1 Road", "city": "서울"}))
    halls = f"/venues/{venue['id']}/halls"
    hall = made(admin.call("POST", halls, json=TWINS))
    contract.validate(hall, "/components/schemas/Hall")
    assert [section["name"] for section in hall["seatTemplate"]["sections"]] == ["1", "2"]
    template = {"capacity": 4, "seatTemplate": hall["seatTemplate"]}
    assert made(admin.call("PUT", f"{halls}/{hall['id']}", json=template), 200) == hall
    flat = made(admin.call("PUT", f"{halls}/{hall['id']}", json={"capacity": 2, "seatTemplate": ROWS}), 200)
    contract.validate(flat, "/components/schemas/Hall")
    assert "sections" not in flat["seatTemplate"]


@pytest.mark.parametrize("template, field, reason", [
    ({"sections": [{"name": "1"} | ROWS, {"name": "1"} | ROWS]}, "seatTemplate.sections", "'1' appears twice"),
    ({"sections": [{"name": "1-A"} | ROWS]}, "seatTemplate.sections[0].name", "dashes"),
    ({"sections": [{"name": "1", "missing": ["C-1"]} | ROWS]}, "seatTemplate.sections[0].missing", "no seat 'C-1'"),
    ({"sections": [{"name": "1"} | ROWS | {"gradeMapping": "R"}]}, "seatTemplate.sections[0].gradeMapping", "VIP, S, A"),
    ({"sections": [{"name": str(n)} | A_MILLION for n in range(1000)]}, "seatTemplate", "1 to 100000 seats"),
    ({"sections": [{"name": f"{n:020}"} | ONE for n in range(1000)]}, "seatTemplate", "is too large"),
    ({"sections": [{"name": f"{n:05}" + "\U0001d160" * 5} | ONE for n in range(1000)]}, "seatTemplate", "is too large"),
    ({"sections": [{"name": str(n)} for n in range(5000)]}, "seatTemplate.sections", "1000"),
    ({"sections": [{"name": "1", "rotation": 10**30} | ROWS]}, "body", "not JSON"),
    ({"sections": [{"name": "1", "rotation": float("nan")} | ROWS]}, "body", "not JSON"),
    ({"sections": [{"name": "1", "rotation": 10**9} | ROWS]}, "seatTemplate.sections[0].rotation", "-360 to 360"),
])
def test_sections_that_cannot_be_are_refused_with_the_reason(admin, template, field, reason):
    venue = made(admin.call("POST", "/venues", json={"name": "Arena", "address": "1 Road", "city": "서울"}))
    body = json.dumps({"name": "Hall", "capacity": 1000, "seatTemplate": template}, ensure_ascii=False).encode()
    refused = assert_error(admin.call("POST", f"/venues/{venue['id']}/halls", data=body,
                                      headers={"Content-Type": "application/json"}), 400, "INVALID_REQUEST")
    assert (refused["details"][0]["field"], reason in refused["details"][0]["reason"]) == (field, True)


def test_page_of_the_largest_halls_is_answered(admin):
    """Each template is about as long as it may be, and grows the most when PostgreSQL writes it."""
    labels = string.ascii_letters + string.digits
    section = {"rows": list(labels), "seatsPerRow": dict.fromkeys(labels, 1), "gradeMapping": "S"}
    stored = len(json.dumps({"name": "000"} | section, separators=(",", ":"))) + ABSENT_MEMBERS
    count = 120 * 1024 // stored
    template = {"sections": [{"name": f"{n:03}"} | section for n in range(count)]}
    venue = made(admin.call("POST", "/venues", json={"name": "Arena", "address": "1 Road", "city": "서울"}))
    for n in range(100):
        body = json.dumps({"name": f"Hall {n}", "capacity": count * len(labels), "seatTemplate": template}, separators=(",", ":"))
        made(admin.call("POST", f"/venues/{venue['id']}/halls", data=body, headers={"Content-Type": "application/json"}))
    page = made(admin.call("GET", f"/venues/{venue['id']}/halls?size=100"), 200)
    assert [len(hall["seatTemplate"]["sections"]) for hall in page["list"]] == [count] * 100
