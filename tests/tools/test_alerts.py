"""The rules for Prometheus speak of what the programs count."""
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = [rule for group in yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
SOURCES = "\n".join(path.read_text() for folder in ("common", "src", "cgi-bin") for path in (ROOT / folder).rglob("*.c"))


def test_every_rule_has_what_an_operator_needs():
    assert RULES
    for rule in RULES:
        assert {"alert", "expr", "labels", "annotations"} <= set(rule)
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_every_series_is_one_that_a_program_makes():
    for rule in RULES:
        series = re.findall(r"boxoffice_\w+", rule["expr"])
        assert series
        for name in series:
            assert f'"{name}"' in SOURCES, f"{rule['alert']} speaks of {name}"


def test_every_setting_that_a_rule_names_is_one():
    settings = (ROOT / "docs" / "configuration.md").read_text()
    for name in re.findall(r"BOX_\w+", (ROOT / "docs" / "alerts.yml").read_text()):
        assert f"`{name}`" in settings
