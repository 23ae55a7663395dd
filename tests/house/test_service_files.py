"""Workflow files and the unit of systemd pass the tools made for them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_workflows_are_valid_and_cover_what_is_promised() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [str(tool), "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
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


def test_the_container_holds_every_folder_that_the_wheel_needs() -> None:
    lines = (ROOT / "packaging" / "Containerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \1$", lines, re.MULTILINE))
    assert copied == {"dsp", "models", "monitor", "training"}
