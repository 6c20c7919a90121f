"""Seats of a hall, from its template or from what the public API tells of a performance, and a drawing of them. The rules
of a template are told in docs/openapi.yaml (SeatSection), how layout and live state are read in docs/seat-map.md."""
import base64
import collections
import itertools
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

SEATS_MAX = 100_000
GRADES = ("VIP", "S", "A", "B")


class Undrawable(Exception):
    """What was given is no hall and no performance; the text says why."""


@dataclass
class Seat:
    number: str  # what the ticket says
    section: str | None
    row: str
    grade: str
    x: int | None  # None: it has no place on the plan
    y: int | None
    state: str = "AVAILABLE"

    def __post_init__(self):
        if self.grade not in GRADES:
            raise ValueError(f"'{self.grade}' is no grade")
        if {type(self.x), type(self.y)} not in ({int}, {type(None)}):
            raise ValueError(f"seat {self.number} has no place in whole numbers")


def parsed(text: str, of: str) -> dict:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Undrawable(f"{of} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Undrawable(f"{of} is not a JSON object")
    return value


def check_size(count: int) -> None:
    if count > SEATS_MAX:
        raise Undrawable(f"it has more than {SEATS_MAX:,} seats")


# ---- from a template ----


def labels_of(section: dict) -> list[str]:
    if not (ends := section.get("rowRange")):
        return section["rows"]
    code, label = (int, str) if ends["from"].isdigit() else (ord, chr)
    numbers = range(code(ends["from"]), code(ends["to"]) + 1)
    check_size(len(numbers))
    return [label(number) for number in numbers]


def of_row(rule: object, label: str) -> object:
    """What a member says that says one thing for all rows, or something for each."""
    return rule[label] if isinstance(rule, dict) else rule


def turned(across: float, behind: float, degrees: int) -> tuple[float, float]:
    # Rounded, so that a half of a place is one here when it is one for the server.
    cos, sin = (round(f(math.radians(degrees)), 15) for f in (math.cos, math.sin))
    return across * cos - behind * sin, across * sin + behind * cos


def places_of_row(section: dict, behind: int, count: int) -> list[tuple[float | None, float | None]]:
    if not (origin := section.get("origin")):
        return [(None, None)] * count
    spacing = {"x": 10, "y": 10} | (section.get("spacing") or {})
    turn = [turned(spacing["x"] * (i - (count - 1) / 2), spacing["y"] * behind, section.get("rotation") or 0)
            for i in range(count)]
    return [(origin["x"] + round(x), origin["y"] + round(y)) for x, y in turn]


def seats_of_section(section: dict) -> list[Seat]:
    numbering = {"from": 1, "step": 1} | (section.get("numbering") or {})
    missing, positions = set(section.get("missing") or []), section.get("positions") or {}
    name = section.get("name")
    seats = []
    for behind, label in enumerate(labels_of(section)):
        count = of_row(section["seatsPerRow"], label)
        numbers = [numbering["from"] + numbering["step"] * i for i in range(count)]
        if numbering.get("direction") == "RIGHT_TO_LEFT":
            numbers.reverse()
        for number, (x, y) in zip(numbers, places_of_row(section, behind, count), strict=True):
            seat = f"{label}-{number}"
            if seat in missing:
                continue
            if seat in positions:
                x, y = positions[seat]["x"], positions[seat]["y"]
            seats.append(Seat(f"{name}-{seat}" if name else seat, name, label,
                              of_row(section["gradeMapping"], label), x, y))
    return seats


def size_of(section: dict) -> int:
    return sum(of_row(section["seatsPerRow"], label) for label in labels_of(section))


def seats_of_hall(hall: dict) -> list[Seat]:
    """hall: what POST /venues/{id}/halls takes, or its seatTemplate alone."""
    template = hall.get("seatTemplate", hall)
    try:
        sections = template.get("sections") or [template]
        check_size(sum(map(size_of, sections)))
        return [seat for section in sections for seat in seats_of_section(section)]
    except KeyError as error:
        raise Undrawable(f"it is no seat template: {error} is missing") from None
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Undrawable(f"it is no seat template: {error}") from None


# ---- from the public API ----


def pieces(whole: list | bytes, size: int) -> list:
    return [whole[at:at + size] for at in range(0, len(whole), size)]


def bits_of(live: dict) -> list[bool]:
    sold = base64.b64decode(live["sold"], validate=True)
    return [bool(sold[i // 8] >> i % 8 & 1) for i in range(live["count"])]


def ids_of(layout: dict) -> list[str]:
    return [seat_id.hex() for seat_id in pieces(base64.b64decode(layout["ids"], validate=True), 16)]


def seats_of_layout_row(row: dict) -> Iterator[Seat]:
    section, label = row.get("section"), row["row"]
    prefix = f"{section}-{label}" if section else label
    places = iter(pieces(row["places"], 2)) if "places" in row else itertools.repeat((None, None))
    for first, count in pieces(row["numbers"], 2):
        for number in range(first, first + count):
            x, y = next(places, ())
            yield Seat(f"{prefix}-{number}", section, label, row["grade"], x, y)


def seats_of_performance(layout: dict, live: dict, held: set[str]) -> list[Seat]:
    """held: ids of seats that somebody has held, which the public does not know."""
    try:
        told = itertools.chain.from_iterable(map(seats_of_layout_row, layout["rows"]))
        seats = list(itertools.islice(told, SEATS_MAX + 1))
        check_size(len(seats))
        for seat, sold, seat_id in zip(seats, bits_of(live), ids_of(layout), strict=True):
            seat.state = "SOLD" if sold else "HELD" if seat_id in held else "AVAILABLE"
    except KeyError as error:
        raise Undrawable(f"it is no seat map: {error} is missing") from None
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise Undrawable(f"it is no seat map: {error}") from None
    return seats


def held_of(reservations: dict) -> set[str]:
    """reservations: the answer of GET /reservations/seats/{scheduleId}."""
    held = reservations.get("hold")
    if not isinstance(held, list) or not all(isinstance(seat_id, str) for seat_id in held):
        raise Undrawable("'hold' is no list of seats")
    return {seat_id.replace("-", "").lower() for seat_id in held}


# ---- the drawing ----

COLOURS = {"VIP": "#8e44ad", "S": "#2471a3", "A": "#17a589", "B": "#7dcea0", "HELD": "#f39c12", "SOLD": "#c0392b"}


def stacked(seats: list[Seat]) -> None:
    """Places for a hall that has none: its rows one below the other."""
    rows = [list(row) for _, row in itertools.groupby(seats, key=lambda seat: (seat.section, seat.row))]
    for below, row in enumerate(rows):
        for i, seat in enumerate(row):
            seat.x, seat.y = 10 * i - 5 * (len(row) - 1), 10 * below


def nearest(seats: list[Seat]) -> float:
    """Between neighbours of a row."""
    gaps = (math.hypot(a.x - b.x, a.y - b.y) for a, b in itertools.pairwise(seats)
            if (a.section, a.row) == (b.section, b.row))
    return min((gap for gap in gaps if gap > 0), default=10)


def short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def dots(seats: list[Seat]) -> str:
    """A path with a line of no length for each seat, which its round ends make a dot."""
    steps, at_x, at_y = [], 0, 0
    for seat in seats:
        dx, dy = short(seat.x - at_x), short(seat.y - at_y)
        steps.append(f"m{dx}{'' if dy.startswith('-') else ' '}{dy}h0")
        at_x, at_y = seat.x, seat.y
    return "".join(steps)


def names(seats: list[Seat], size: float) -> list[str]:
    """Each section's name, in its middle."""
    sections = collections.defaultdict(list)
    for seat in seats:
        if seat.section is not None:
            sections[seat.section].append(seat)
    return [f'<text x="{short(round(statistics.fmean(seat.x for seat in of)))}" '
            f'y="{short(round(statistics.fmean(seat.y for seat in of) + size / 3))}">{escape(name)}</text>'
            for name, of in sections.items()]


def legend(groups: dict[str, list[Seat]], x: float, y: float, size: float) -> list[str]:
    return [f'<text x="{short(x)}" y="{short(y + 1.5 * size * i)}" fill="{COLOURS[name]}">{name} {len(of):,}</text>'
            for i, (name, of) in enumerate(groups.items())]


def grouped(seats: list[Seat]) -> dict[str, list[Seat]]:
    """By colour: of the grade where a seat can be had, of its state where it cannot."""
    groups = {name: [] for name in COLOURS}
    for seat in seats:
        groups[seat.grade if seat.state == "AVAILABLE" else seat.state].append(seat)
    return {name: of for name, of in groups.items() if of}


def svg(seats: list[Seat]) -> str:
    """One path for each colour, names above it, and the legend below."""
    if not (drawn := [seat for seat in seats if seat.x is not None]):
        stacked(drawn := seats)
    groups, gap = grouped(drawn), nearest(drawn)
    xs, ys = [seat.x for seat in drawn], [seat.y for seat in drawn]
    left, top, bottom = min(xs) - 2 * gap, min(ys) - 2 * gap, max(ys) + 2 * gap
    width = max(xs) + 2 * gap - left
    size = max(width, bottom - top) / 60
    height = bottom - top + size * (1 + 1.5 * len(groups))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{short(left)} {short(top)} {short(width)} {short(height)}">',
        f'<rect x="{short(left)}" y="{short(top)}" width="100%" height="100%" fill="#fff"/>',
        f'<g fill="none" stroke-width="{short(gap * 0.8)}" stroke-linecap="round">',
        *(f'<path stroke="{COLOURS[name]}" d="{dots(of)}"/>' for name, of in groups.items()), "</g>",
        f'<g font-family="sans-serif" font-size="{short(size)}">',
        '<g text-anchor="middle" fill="#222" stroke="#fff" stroke-width=".2em" paint-order="stroke">',
        *names(drawn, size), "</g>", *legend(groups, left + size, bottom + 1.5 * size, size), "</g>", "</svg>", ""])
