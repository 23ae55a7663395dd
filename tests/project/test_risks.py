"""Every hazard has a control, every control has tests that exist, and the page is up to date."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from risks import ROOT, TABLE, hazards, markdown, unproven

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
    assert TABLE.read_text(encoding="utf-8") == markdown(), "run python tests/support/risks.py"


def test_a_control_is_proven_only_by_a_test_that_ran_and_passed() -> None:
    table = [{"id": "H1", "controls": [{"does": "x", "tests": ["a::b", "a::c"]}]}]
    for came, why in (
        ({}, "not run"),
        ({"a::b": {"failed", "passed"}}, "failed"),
        ({"a::b": {"skipped"}, "a::c": {"skipped"}}, "skipped here"),
        ({"a::b": {"skipped"}}, "not run"),
    ):
        assert unproven(table, came) == [("H1 x", why)]
    assert unproven(table, {"a::b": {"passed", "skipped"}}) == []
    assert unproven(table, {"a::b": {"failed"}, "a::c": {"passed"}}) == []


def test_a_run_of_all_tests_in_which_a_control_has_no_passing_test_fails(
    tmp_path: Path,
) -> None:
    """The hook itself, on a small suite with our table."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "support").mkdir()
    (tmp_path / "support" / "risks.py").write_text(
        "from importlib.util import module_from_spec, spec_from_file_location\n"
        f"spec = spec_from_file_location('real', {str(ROOT / 'tests/support/risks.py')!r})\n"
        "real = module_from_spec(spec)\n"
        "spec.loader.exec_module(real)\n"
        "unproven = real.unproven\n"
        "def hazards():\n"
        "    control = {'does': 'x', 'tests': ['test_a.py::test_b']}\n"
        "    return [{'id': 'H1', 'controls': [control]}]\n"
    )
    (tmp_path / "test_a.py").write_text("def test_fine(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = .\n")
    run = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "control without a passing test (not run): H1 x" in done.stdout
    part = subprocess.run((*run, "test_a.py"), cwd=tmp_path, capture_output=True, text=True)
    assert part.returncode == 0
