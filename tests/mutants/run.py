"""Mutation score of the alarm engine and the verdict, by mutmut, in a copy of the repository.

    python tests/mutants/run.py

Takes five minutes of one core. A mutant that no test runs counts as survived. The figures are
stored in docs/results/mutants.json, with every mutant that survives.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
RESULT = ROOT / "docs" / "results" / "mutants.json"
TARGET = 0.85
MUTATED = (
    *(f"monitor/analysis/{name}.py"
      for name in ("alarms", "alarm_state", "conditions", "limits", "verdict")),
    "monitor/alarms/table.py",
)  # fmt: skip
TESTS = ("alarm_state", "alarm_board", "alarm_words", "conditions", "limits", "verdict")
FILES = (
    ("support", "pipeline_fakes.py"),
    *(("analysis", f"test_{name}.py") for name in TESTS),
)
CONFIG = f"""
[tool.mutmut]
source_paths = ["monitor"]
only_mutate = {json.dumps(MUTATED)}
also_copy = ["dsp", "models"]
pytest_add_cli_args_test_selection = ["tests/analysis"]
pytest_add_cli_args = ["-x", "-q"]
use_git_change_detection = false
track_dependencies = false

[tool.pytest.ini_options]
addopts = "--timeout=240"
pythonpath = ["tests/support"]
"""
_LINE = re.compile(
    r"^\s*(?P<module>[\w.]+)\.(?P<rest>\S+__mutmut_\d+): (?P<what>.+)$", re.MULTILINE
)


def main() -> int:
    """Run, store, print; 1 if the score is under its target."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("monitor", "dsp", "models"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for room, name in FILES:
            target = copy / "tests" / room
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "tests" / room / name, target)
        (copy / "pyproject.toml").write_text(CONFIG)
        niced = {"OMP_NUM_THREADS": "1", "PYTHONPATH": ""}
        command = [sys.executable, "-m", "mutmut"]
        done = subprocess.run(
            [*command, "run", "--max-children", "1"], cwd=copy, env=os.environ | niced,
            capture_output=True, text=True, preexec_fn=lambda: os.nice(5),
        )  # fmt: skip
        listed = subprocess.run(
            [*command, "results", "--all", "true"], cwd=copy, env=os.environ | niced,
            capture_output=True, text=True,
        )  # fmt: skip
    found = [m.groupdict() for m in _LINE.finditer(listed.stdout)]
    if not found or any(one["what"] == "not checked" for one in found):
        print(done.stdout[-2000:], done.stderr[-2000:], listed.stdout[-500:], file=sys.stderr)
        raise SystemExit("mutmut did not check every mutant")
    result = figures(found)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({k: v for k, v in result.items() if k != "survived"}, indent=1))
    return 0 if result["score"] >= TARGET else 1


def figures(found: list[dict[str, str]]) -> dict[str, object]:
    """Score of all and of each module; whatever is not killed or timed out has survived."""
    what = Counter(one["what"] for one in found)
    modules = sorted({one["module"] for one in found})

    def score(lines: list[dict[str, str]]) -> float:
        return round(sum(one["what"] in ("killed", "timeout") for one in lines) / len(lines), 4)

    return {
        "command": "make mutants",
        "tool": f"mutmut {version('mutmut')}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "target": TARGET,
        "score": score(found),
        "mutants": len(found),
        "what became of them": dict(what.most_common()),
        "by module": {
            name: score([one for one in found if one["module"] == name]) for name in modules
        },
        "survived": [
            f"{one['module']}.{one['rest']}: {one['what']}"
            for one in found
            if one["what"] not in ("killed", "timeout")
        ],
    }


if __name__ == "__main__":
    raise SystemExit(main())
