"""scripts/draw-hall as somebody runs it who plans a hall or looks at a sale."""
import base64
import http.server
import json
import pathlib
import re
import subprocess
import sys
import threading
import uuid
import xml.etree.ElementTree

import pytest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import halllib  # noqa: E402

SCRIPT = ROOT / "scripts/draw-hall"
ARENA = ROOT / "docs/examples/arena-50000.json"
DRAWN, UNUSABLE = 0, 2
HALL = {"rows": ["A", "B"], "seatsPerRow": {"A": 2, "B": 3}, "gradeMapping": {"A": "VIP", "B": "S"}, "missing": ["B-2"]}
SEATS = [uuid.UUID(int=n) for n in range(1, 5)]


def draw(*words, stdin: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([SCRIPT, *map(str, words)], input=stdin, text=True, capture_output=True, timeout=30)


def colours_of(drawing: str) -> dict[str, int]:
    """Dots by what their colour stands for."""
    svg = xml.etree.ElementTree.fromstring(drawing)
    names = {colour: name for name, colour in halllib.COLOURS.items()}
    return {names[path.get("stroke")]: path.get("d").count("h0") for path in svg.iter("{http://www.w3.org/2000/svg}path")}


def numbers_of(seats: list[halllib.Seat]) -> list[str]:
    return [seat.number for seat in seats]


# ---- templates ----


def test_hall_is_drawn_by_grade():
    drawn = draw("-", stdin=json.dumps(HALL))
    assert (drawn.returncode, colours_of(drawn.stdout)) == (DRAWN, {"VIP": 2, "S": 2})


def test_arena_of_the_manual_is_drawn_whole(tmp_path):
    assert draw(ARENA, "--out", tmp_path / "arena.svg").returncode == DRAWN
    drawing = (tmp_path / "arena.svg").read_text()
    assert sum(colours_of(drawing).values()) == json.loads(ARENA.read_text())["capacity"] == 50_000
    assert len(drawing) < 400_000


def test_seats_have_the_names_and_places_that_their_section_says():
    section = {"name": "E", "rowRange": {"from": "9", "to": "10"}, "seatsPerRow": 2, "gradeMapping": "A",
               "numbering": {"from": 11, "step": 2, "direction": "RIGHT_TO_LEFT"}, "origin": {"x": 100, "y": 50},
               "rotation": 90, "spacing": {"x": 20, "y": 30}, "missing": ["10-13"],
               "positions": {"10-11": {"x": 1, "y": 2}}}
    seats = halllib.seats_of_hall({"name": "Hall", "seatTemplate": {"sections": [section]}})
    assert [(seat.number, seat.x, seat.y) for seat in seats] == [("E-9-13", 100, 40), ("E-9-11", 100, 60), ("E-10-11", 1, 2)]


def test_names_are_text_in_the_drawing():
    section = HALL | {"name": "<script>&", "origin": {"x": 0, "y": 0}}
    drawn = draw("-", stdin=json.dumps({"sections": [section]}))
    assert "<script" not in drawn.stdout
    assert "<script>&" in [text.text for text in xml.etree.ElementTree.fromstring(drawn.stdout).iter(
        "{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("text, reason", [
    ("", "is not JSON"), ("[]", "is not a JSON object"), ("[" * 100_000, "is not JSON"), ("{}", "is missing"),
    (json.dumps(HALL | {"seatsPerRow": {"A": 2}}), "'B' is missing"),
    (json.dumps(HALL | {"seatsPerRow": "many"}), "is no seat template"),
    (json.dumps(HALL | {"seatsPerRow": 10**9}), "more than 100,000 seats"),
    (json.dumps(HALL | {"rows": None, "rowRange": {"from": "1", "to": str(10**9)}}), "more than 100,000 seats"),
    (json.dumps(HALL | {"gradeMapping": "R"}), "'R' is no grade"),
    (json.dumps(HALL | {"origin": {"x": "<", "y": 0}}), "is no seat template"),
    (json.dumps(HALL | {"missing": ["A-1", "A-2", "B-1", "B-2", "B-3"]}), "has no seats"),
])
def test_what_is_no_hall_is_refused_with_the_reason(text, reason):
    refused = draw("-", stdin=text)
    assert (refused.returncode, refused.stdout, reason in refused.stderr) == (UNUSABLE, "", True), refused.stderr
    assert refused.stderr.startswith("draw-hall: ") and refused.stderr.count("\n") == 1


def test_source_that_is_not_there_is_named(tmp_path):
    refused = draw(tmp_path / "nothing.json")
    assert refused.returncode == UNUSABLE and "nothing.json cannot be read: No such file" in refused.stderr


# ---- performances ----


def layout_of(**changes) -> dict:
    return {"scheduleId": str(SEATS[0]), "version": 7, "count": 4, "accessible": [], "viewRestricted": [],
            "rows": [{"section": "1", "row": "A", "grade": "VIP", "price": 1, "numbers": [1, 2, 9, 1],
                      "places": [0, 0, 10, 0, 80, 0]}, {"row": "B", "grade": "S", "price": 1, "numbers": [3, 1]}],
            "ids": base64.b64encode(b"".join(seat.bytes for seat in SEATS)).decode()} | changes


def live_of(sold: int, **changes) -> dict:
    return {"scheduleId": str(SEATS[0]), "layout": 7, "version": 1, "count": 4,
            "sold": base64.b64encode(bytes([sold])).decode()} | changes


@pytest.fixture
def serve():
    """serve(layout, live) answers with them, and is the address of the performance."""
    servers = []

    def start(layout, live) -> str:
        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = {"/p/live": live, f"/p/layout?v={live.get('layout')}": layout}.get(self.path)
                self.send_response(200 if found else 404)
                self.end_headers()
                self.wfile.write(json.dumps(found).encode())

            def log_message(self, *_):
                pass

        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/p"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_seats_that_are_sold_or_held_have_their_own_colours(serve, tmp_path):
    held = tmp_path / "held.json"
    held.write_text(json.dumps({"scheduleId": str(SEATS[0]), "sold": [], "hold": [str(SEATS[2]), str(SEATS[1])]}))
    address = serve(layout_of(), live_of(0b0010))
    assert draw(address).returncode == DRAWN
    drawn = draw(address, "--held", held)
    assert colours_of(drawn.stdout) == {"VIP": 1, "HELD": 1, "SOLD": 1}  # the seat of row B has no place


def test_layout_is_read_as_the_manual_says():
    seats = halllib.seats_of_performance(layout_of(), live_of(0b1001), {SEATS[1].hex})
    assert numbers_of(seats) == ["1-A-1", "1-A-2", "1-A-9", "B-3"]
    assert [seat.state for seat in seats] == ["SOLD", "HELD", "AVAILABLE", "SOLD"]
    assert [(seat.x, seat.y) for seat in seats] == [(0, 0), (10, 0), (80, 0), (None, None)]


@pytest.mark.parametrize("layout, live, reason", [
    (layout_of(), live_of(0, layout=8), "changes while it is read"),
    (layout_of(ids=""), live_of(0), "is no seat map"),
    (layout_of(rows=[]), live_of(0), "is no seat map"),
    (layout_of(), live_of(0) | {"sold": ""}, "is no seat map"),
    (layout_of(), live_of(0, count=10**12), "is no seat map"),
    (layout_of(rows=[{"row": "A", "grade": "S", "numbers": [1, 10**12]}]), live_of(0), "more than 100,000 seats"),
    (layout_of(), {"error": "none"}, "changes while it is read"),
])
def test_what_is_no_seat_map_is_refused_with_the_reason(serve, layout, live, reason):
    refused = draw(serve(layout, live))
    assert (refused.returncode, refused.stdout, reason in refused.stderr) == (UNUSABLE, "", True), refused.stderr
    assert not re.search("Traceback", refused.stderr)


def test_seats_held_are_of_a_performance():
    refused = draw(ARENA, "--held", ARENA)
    assert refused.returncode == UNUSABLE and "needs the address of a performance" in refused.stderr
