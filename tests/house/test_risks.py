"""Every hazard has a control, every control has tests that exist, and the page is up to date."""

from __future__ import annotations

import ast
from functools import cache

import pytest
from risks import ROOT, TABLE, hazards, markdown

HAZARDS = hazards()


@cache
def functions_of(path: str) -> dict[str, list[str]]:
    """Test functions of a file, with the marks that stand above them."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {
        node.name: [ast.unparse(mark) for mark in node.decorator_list]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


@pytest.mark.parametrize("hazard", HAZARDS, ids=[hazard["id"] for hazard in HAZARDS])
def test_every_control_of_a_hazard_names_tests_that_are_there_and_must_pass(
    hazard: dict[str, object],
) -> None:
    controls = hazard["controls"]
    assert isinstance(controls, list)
    assert controls
    for control in controls:
        assert control["tests"], control["does"]
        for test in control["tests"]:
            path, _, name = test.partition("::")
            assert (ROOT / path).is_file(), f"{control['does']}: no file {path}"
            marks = functions_of(path).get(name)
            assert marks is not None, f"{control['does']}: no test {test}"
            excused = [mark for mark in marks if "xfail" in mark or "mark.skip(" in mark]
            assert not excused, f"{control['does']}: {test} need not pass"


def test_hazards_have_numbers_of_their_own() -> None:
    names = [hazard["id"] for hazard in HAZARDS]
    assert names == [f"H{number}" for number in range(1, len(names) + 1)]


def test_the_page_of_risks_is_the_table() -> None:
    assert TABLE.read_text(encoding="utf-8") == markdown(), "run python tests/house/risks.py"
