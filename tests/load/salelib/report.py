"""The sale's figures as JSON, as a table and as charts."""
import json
import pathlib

from salelib import chart
from salelib.judge import ETA_AIM, Judge

POINTS_MAX = 500


def figures(judge: Judge, elapsed: float, cpu: float) -> dict:
    return {"people": len(judge.people), "fates": judge.fates(), "invariants": judge.invariants(),
            "rate": judge.rates(), "estimate": judge.estimate_errors(), "returns": judge.returns(),
            "slots": judge.slots(), "requests": judge.requests(elapsed, cpu), "counts": dict(judge.ledger.counts),
            "unexpected": judge.ledger.examples["unexpected answers"]}


def write_json(found: dict, path: pathlib.Path) -> None:
    path.write_text(json.dumps(found, indent=2) + "\n")


# ---- the table ----


def print_table(found: dict) -> None:
    _section("fates", [(name, f"{count:,}") for name, count in found["fates"].items()])
    _section("must be 0", [(name, f"{row['count']:,}" + ("" if row["count"] == 0 else "   BROKEN"))
                           for name, row in found["invariants"].items()])
    for row in found["invariants"].values():
        for example in row["examples"][:3]:
            print(f"    {example}")
    _section("admission", _admission(found))
    _section("estimate, at least 30 s before the call", _estimate(found["estimate"]))
    _section("requests", _totals(found["requests"]))
    print(f"\n  {'route':<14}{'requests':>10}{'P50 ms':>9}{'P95 ms':>9}{'P99 ms':>9}  statuses")
    for name, route in found["requests"]["routes"].items():
        statuses = " ".join(f"{status}:{count}" for status, count in route["statuses"].items())
        times = "".join(f"{route[f'p{share}_ms']:>9}" for share in (50, 95, 99))
        print(f"  {name:<14}{route['requests']:>10,}{times}  {statuses}")
    for name, count in sorted(found["counts"].items()):
        print(f"  {name}: {count:,}")
    for example in found["unexpected"][:3]:
        print(f"    {example}")


def _section(title: str, rows: list[tuple[str, str]]) -> None:
    print(f"\n{title}")
    for name, value in rows:
        print(f"  {name:<44}{value:>14}")


def _admission(found: dict) -> list[tuple[str, str]]:
    rate, back, slots = found["rate"], found["returns"], found["slots"]
    return [("rate set, per second", f"{rate['set']}"), ("tokens", f"{rate['tokens']:,}"),
            ("tokens per second, middle nine tenths", f"{rate['tokens_per_second']}"),
            ("came back after the cursor had passed", f"{back['people']:,}"),
            ("  of them admitted", f"{back['admitted']:,}"),
            ("  from coming back to the token, P50 / P95 s", f"{back['p50_s']} / {back['p95_s']}"),
            ("  longest, s", f"{back['longest_s']}"),
            ("called, as the server counts", f"{slots['called']}"), ("  never fetched the token", f"{slots['never_arrived']}"),
            ("  their share of the slots", f"{slots['share']}")]


def _estimate(estimate: dict) -> list[tuple[str, str]]:
    met = estimate["p95"] is not None and estimate["p95"] <= ETA_AIM
    return [("answers", f"{estimate['samples']:,}"), ("error P50", f"{estimate['p50']}"),
            (f"error P95 (aim <= {ETA_AIM})", f"{estimate['p95']} {'met' if met else 'NOT met'}"),
            ("error P95 against the time to the token", f"{estimate['p95_to_token']}")]


def _totals(requests: dict) -> list[tuple[str, str]]:
    return [("in all", f"{requests['total']:,}"), ("per second", f"{requests['per_second']:,}"),
            ("answers 429", f"{requests['answers_429']:,}"), ("answers 5xx", f"{requests['answers_5xx']:,}"),
            ("generator, share of a core", f"{requests['generator_cpu_share']}"),
            ("sent late, P95 ms", f"{requests['sent_late_p95_ms']}")]


# ---- the charts ----


def write_charts(judge: Judge, found: dict, folder: pathlib.Path) -> list[pathlib.Path]:
    charts = {"queue_length": _length_chart(judge), "queue_admissions": _admission_chart(judge),
              "queue_estimate": _estimate_chart(found["estimate"])}
    paths = []
    for name, drawn in charts.items():
        paths.append(folder / f"{name}.svg")
        chart.write(drawn, paths[-1])
    return paths


def thinned(points: list) -> list:
    """At most about POINTS_MAX of them, the last one included."""
    step = max(1, len(points) // POINTS_MAX)
    return points[::step] + points[-1:] if points else []


X_LABEL = "seconds since the opening"


def _end(judge: Judge) -> float:
    """Seconds from the opening until nearly everybody has been admitted, and a little more; then only some come back."""
    tokens = judge.ledger.tokens
    return 1.1 * (tokens[int(0.99 * (len(tokens) - 1))] - judge.opened) if tokens else 1


def _length_chart(judge: Judge) -> chart.Chart:
    until = _end(judge)
    people = [(at - judge.opened, count) for at, count in judge.ledger.in_line if at - judge.opened <= until]
    server = [(at - judge.opened, count) for at, _, count in judge.ledger.serving if at - judge.opened <= until]
    return chart.Chart("The line's length", X_LABEL, "people", [
        chart.Series("in the line, as people know", thinned(people)),
        chart.Series("waiting, as the server says", thinned(server), dashed=True)])


def _admission_chart(judge: Judge) -> chart.Chart:
    opened, rate, until = judge.opened, judge.sale.rate, _end(judge)
    tokens = [(at - opened, number) for number, at in enumerate(judge.ledger.tokens, 1) if at - opened <= until]
    called = [(received - opened, row["called"]) for _, received, row in judge.ledger.stats
              if "called" in row and 0 <= received - opened <= until]
    top = 1.1 * max((count for _, count in [*tokens, *called]), default=1)
    reached = min(until, top / rate)
    series = [chart.Series("tokens", thinned(tokens)),
              chart.Series("rate × time", [(0, 0), (reached, rate * reached)], dashed=True)]
    if called:
        series.append(chart.Series("called", thinned(called)))
    return chart.Chart("Admissions", X_LABEL, "people", series, y_max=top)


def _estimate_chart(estimate: dict) -> chart.Chart:
    bins = [(row["at_s"], 100 * row["p50"], 100 * row["p95"]) for row in estimate["by_time"]]
    middle = [(at, p50) for at, p50, _ in bins]
    worst = [(at, p95) for at, _, p95 in bins]
    aim = [(bins[0][0], 100 * ETA_AIM), (bins[-1][0], 100 * ETA_AIM)] if bins else []
    top = max((p95 for _, p95 in worst), default=0)
    return chart.Chart("Error of the estimated wait", X_LABEL, "error, %", [
        chart.Series("P50 of the answers", middle), chart.Series("aim for P95", aim, dashed=True),
        chart.Series("P50 to P95", worst, floor=middle)],
                       y_max=min(100.0, max(2 * 100 * ETA_AIM, 1.1 * top)))
