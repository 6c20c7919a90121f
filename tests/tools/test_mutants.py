"""The rules of tests/mutants/rules.toml can be broken: what they change is there, once, and so are their tests."""
import pathlib
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[2]
RULES = tomllib.loads((ROOT / "tests/mutants/rules.toml").read_text())["rule"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["name"])
def test_rule_changes_one_place_and_names_tests_that_exist(rule):
    assert (ROOT / rule["file"]).read_text().count(rule["old"]) == 1
    assert rule["old"] != rule["new"]
    for test in rule["tests"]:
        path = ROOT / "tests" / test.partition("::")[0]
        assert path.exists() or path.with_suffix(".c").exists(), test


def test_names_of_rules_are_unique():
    names = [rule["name"] for rule in RULES]
    assert len(names) == len(set(names))
