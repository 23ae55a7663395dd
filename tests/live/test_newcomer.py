"""A newcomer's path without documentation, driven key by key: start, choose a heart, see it, get
an alarm, acknowledge it, find it in the log, end, list it, export it. Real processes throughout.
"""

from __future__ import annotations

import asyncio
import csv
import json
import re
import sys
from pathlib import Path

import pytest
from textual.pilot import Pilot

from monitor.cli.leaving import goes_on
from monitor.cli.main import run
from monitor.cli.screen_helpers import helpers
from monitor.config.load import Settings
from monitor.supervise.job import Job
from monitor.supervise.launch import spawn
from monitor.tui.app import SEEN_S, ApexbeatApp
from monitor.tui.connection import Connection
from monitor.tui.first_start.app import FirstApp

NO_DEVICE = [sys.executable, "-c", "import sys; print('[]', flush=True); sys.stdin.read()"]


def text_of(app: ApexbeatApp | FirstApp) -> str:
    """What stands on the terminal."""
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def seen(app: ApexbeatApp | FirstApp, pilot: Pilot[int], pattern: str) -> str:
    """Wait until the screen shows ``pattern``."""
    for _ in range(3000):
        await pilot.pause()
        text = text_of(app)
        if re.search(pattern, text):
            return text
        await asyncio.sleep(0.05)
    raise AssertionError(f"{pattern!r} not in\n{text_of(app)}")


async def choose() -> str:
    """The guide, on a machine without a stethoscope."""
    app = FirstApp(NO_DEVICE, [sys.executable, "-c", "pass"])
    async with app.run_test(size=(80, 24)) as pilot:
        await seen(app, pilot, "No stethoscope")
        await pilot.press("down")
        await seen(app, pilot, "▶ A murmur")
        await pilot.press("enter")
    assert app.source is not None
    return app.source


async def watch(address: Path, store: Path) -> None:
    """The heart, its alarm, the acknowledgement, the log, and the end of it."""
    app = ApexbeatApp(Connection(address), helpers=helpers(store, Settings(), address))
    async with app.run_test(size=(120, 40)) as pilot:
        await seen(app, pilot, r"PHANTOM murmur_tachycardia")
        await seen(app, pilot, r"S1 +S2")
        await seen(app, pilot, r"regular +S1–S2 \d+ ms")
        await seen(app, pilot, r"◆ MEDIUM +abnormal heart sound")
        await seen(app, pilot, r"a acknowledge")  # the foot says how
        await asyncio.sleep(SEEN_S + 0.5)  # `a` answers what a person can have read
        await pilot.press("a")
        await seen(app, pilot, r"abnormal heart sound .* acknowledged \d\d:\d\d:\d\d")
        await pilot.press("l")
        await seen(app, pilot, r"▶ ◆ +\d\d:\d\d:\d\d medium +abnormal heart sound +acknowledged")
        await pilot.press("enter")
        await seen(app, pilot, r"FROZEN .* monitoring goes on")
        await pilot.press("q")
        await seen(app, pilot, r"end the monitoring, and leave")
        await pilot.press("e")
        for _ in range(400):
            if app.return_value is not None:
                break
            await asyncio.sleep(0.05)
    assert app.return_value == 0


def test_from_the_first_start_to_an_export(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = asyncio.run(choose())
    assert source == "phantom:murmur_tachycardia"
    store = tmp_path / "store"
    begun = spawn(Job(store=str(store), sources=[source], settings=Settings()))
    asyncio.run(watch(Path(begun.address), store))
    assert not goes_on(Path(begun.address))  # the core is gone, or going

    [session] = begun.sessions
    capfd.readouterr()
    assert run(["log", "--store", str(store)]) == 0
    told = capfd.readouterr().out
    table = told.partition("alarms: ")[2].splitlines()
    [row] = [line for line in table if "abnormal heart sound:" in line and "medium" in line][:1]
    raised, *_, acknowledged = re.findall(r"\d\d:\d\d:\d\d", row)
    assert raised <= acknowledged
    assert run(["log", "--store", str(store), "--json"]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert any("acknowledged" in json.dumps(line) for line in lines)
    out = tmp_path / "export"
    assert run(["export", session, "--store", str(store), "--to", "csv", "-o", str(out)]) == 0
    [alarms] = out.rglob("*alarms*.csv")
    with alarms.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert any("abnormal_sound" in row for row in rows)
