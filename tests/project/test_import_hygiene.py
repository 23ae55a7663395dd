"""What is heavy is loaded only where it is needed, and the walls between the packages stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "textual", "sounddevice", "matplotlib", "librosa", "pandas", "scipy.stats")
ROOT = Path(__file__).parents[2]


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("package", ["monitor", "models", "monitor.cli.main", "monitor.events"])
def test_importing_a_package_loads_nothing_heavy(package: str) -> None:
    assert not loaded_by(f"import {package}") & set(HEAVY)


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("dsp.chain", {"torch", "soundfile", "sounddevice", "textual", "logging.handlers"}),
        ("monitor.analysis.pipeline", {"torch", "soundfile", "sounddevice", "textual", "librosa"}),
        ("monitor.link.client", {"torch", "sounddevice", "soundfile", "scipy"}),
        ("monitor.supervise.supervisor", {"torch", "scipy", "textual", "soundfile"}),
        ("monitor.live.core", {"textual", "librosa", "matplotlib", "torch", "scipy.stats"}),
    ],
)
def test_a_room_does_not_pull_in_what_it_must_not_know(module: str, never: set[str]) -> None:
    assert not loaded_by(f"import {module}") & never


def test_import_rules_hold() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout[-3000:]
