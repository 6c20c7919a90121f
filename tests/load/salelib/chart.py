"""Line charts as SVG, written by hand: no library, readable in light and dark mode."""
import dataclasses
import html
import math
import pathlib

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 64, 52
TICKS = 6

STYLE = """
  .back { fill: #ffffff } .text { fill: #24292f } .grid { stroke: #d0d7de } .frame { stroke: #57606a }
  .s0 { stroke: #0969da; fill: #0969da } .s1 { stroke: #bc4c00; fill: #bc4c00 } .s2 { stroke: #1a7f37; fill: #1a7f37 }
  .line { stroke-width: 2; stroke-linejoin: round } .dashed { stroke-dasharray: 6 4 }
  text { font: 13px system-ui, sans-serif } .title { font-size: 16px; font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .text { fill: #e6edf3 } .grid { stroke: #30363d } .frame { stroke: #8b949e }
    .s0 { stroke: #58a6ff; fill: #58a6ff } .s1 { stroke: #f0883e; fill: #f0883e } .s2 { stroke: #3fb950; fill: #3fb950 }
  }
  .line { fill: none } .band { stroke: none; fill-opacity: 0.25 }
"""


@dataclasses.dataclass
class Series:
    name: str
    points: list  # (x, y), by x
    dashed: bool = False
    floor: list | None = None  # the lower edge of a band whose upper edge is `points`


@dataclasses.dataclass
class Chart:
    title: str
    x_label: str
    y_label: str
    series: list
    y_max: float | None = None  # what is higher is drawn at the edge


def step_of(span: float) -> float:
    """A round distance of grid lines, about TICKS of them over the span."""
    rough = max(span, 1e-9) / TICKS
    power = 10 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)


class Scale:
    def __init__(self, low: float, high: float, start: float, end: float):
        self.low, self.high = low, high if high > low else low + 1
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> list[float]:
        step = step_of(self.high - self.low)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text class="text{" " + more if more == "title" else ""}" x="{x}" y="{y}"' \
           f'{"" if more == "title" else " " + more}>{html.escape(words)}</text>'


def _axes(chart: Chart, x: Scale, y: Scale) -> list[str]:
    parts = []
    for tick in x.ticks():
        parts.append(f'<line class="grid" x1="{x(tick)}" y1="{y.start}" x2="{x(tick)}" y2="{y.end}"/>')
        parts.append(_text(x(tick), y.start + 20, f"{tick:,g}", 'text-anchor="middle"'))
    for tick in y.ticks():
        parts.append(f'<line class="grid" x1="{x.start}" y1="{y(tick)}" x2="{x.end}" y2="{y(tick)}"/>')
        parts.append(_text(x.start - 8, y(tick) + 4, f"{tick:,g}", 'text-anchor="end"'))
    parts.append(f'<path class="frame" fill="none" d="M{x.start},{y.end}V{y.start}H{x.end}"/>')
    parts.append(_text((x.start + x.end) / 2, HEIGHT - 12, chart.x_label, 'text-anchor="middle"'))
    middle = (y.start + y.end) / 2
    parts.append(_text(18, middle, chart.y_label, f'text-anchor="middle" transform="rotate(-90 18 {middle})"'))
    return parts


def _path(points: list, x: Scale, y: Scale) -> str:
    return "M" + "L".join(f"{x(across)},{y(up)}" for across, up in points)


def _series(series: Series, colour: str, x: Scale, y: Scale) -> str:
    if series.floor is not None:
        outline = _path(series.points + series.floor[::-1], x, y)
        return f'<path class="band {colour}" d="{outline}Z"/>'
    dashed = " dashed" if series.dashed else ""
    return f'<path class="{colour} line{dashed}" d="{_path(series.points, x, y)}"/>'


def _legend(chart: Chart) -> list[str]:
    parts, across = [], LEFT
    for number, series in enumerate(chart.series):
        if series.floor is not None:
            parts.append(f'<rect class="band s{number}" x="{across}" y="40" width="24" height="12"/>')
        else:
            dashed = " dashed" if series.dashed else ""
            parts.append(f'<path class="s{number} line{dashed}" d="M{across},46H{across + 24}"/>')
        parts.append(_text(across + 30, 51, series.name))
        across += 50 + 8 * len(series.name)
    return parts


def svg(chart: Chart) -> str:
    across = [point[0] for series in chart.series for point in series.points] or [0, 1]
    up = [point[1] for series in chart.series for point in series.points] or [0, 1]
    x = Scale(min(across), max(across), LEFT, WIDTH - RIGHT)
    top = chart.y_max if chart.y_max is not None else max(up) * 1.05
    y = Scale(min(0, min(up)), top, HEIGHT - BOTTOM, TOP)
    drawn = [_series(series, f"s{number}", x, y) for number, series in enumerate(chart.series) if series.points]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
             f'aria-label="{html.escape(chart.title)}">', f"<style>{STYLE}</style>",
             f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>', _text(LEFT, 26, chart.title, "title"),
             *_axes(chart, x, y), *drawn, *_legend(chart), "</svg>"]
    return "\n".join(parts) + "\n"


def write(chart: Chart, path: pathlib.Path) -> None:
    path.write_text(svg(chart))
