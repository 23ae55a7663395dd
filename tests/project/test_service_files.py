"""Workflow files, the container file and the unit of systemd pass the tools made for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def linted(tool: str, *options: str | Path) -> None:
    """Run a linter of this environment; what it found is the failure."""
    path = Path(sys.executable).with_name(tool)
    if not path.exists():
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([path, *options], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_are_valid_and_cover_what_is_promised() -> None:
    linted("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)
    linted("zizmor", "--offline", "--no-progress", ".github/workflows")
    tests = (ROOT / ".github" / "workflows" / "tests.yml").read_text()
    for needed in ("ubuntu-latest", "macos-latest", "windows-latest", '"3.11", "3.12", "3.13"'):
        assert needed in tests


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    unit = (ROOT / "packaging" / "apexbeat.service").read_text()
    # The program is not installed where the unit says; any that exists will do for this.
    path = tmp_path / "apexbeat.service"
    path.write_text(unit.replace("/opt/apexbeat/bin/apexbeat", shutil.which("true") or ""))
    done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True)
    ours = [line for line in done.stderr.splitlines() if "apexbeat.service" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_the_container_file_passes_its_linter() -> None:
    linted("hadolint", "packaging/Containerfile")


def test_the_container_holds_every_folder_that_the_wheel_needs() -> None:
    lines = (ROOT / "packaging" / "Containerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \1$", lines, re.MULTILINE))
    assert copied == {"dsp", "models", "monitor", "training"}
