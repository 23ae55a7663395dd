"""A ward as it stood at one moment, for golden texts and the manual's picture.

python tests/support/ward_scene.py      # writes the golden texts and docs/pictures/screen-ward.svg
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path
from unittest import mock

import msgspec
from clocks import HeldClock

from monitor.integrations.listen import ReceivedMessage
from monitor.integrations.messages import AlarmMessage, BedState, OpenAlarm
from monitor.tui.ward.app import WardApp
from monitor.tui.widgets.glyphs import ASCII, UNICODE, Glyphs

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parents[1] / "integrations" / "golden"
PICTURE = ROOT / "docs" / "pictures" / "screen-ward.svg"
WALL = 1_700_000_000.0
SHOTS = (
    ("ward-120x40", 120, 40, UNICODE, False),
    ("ward-80x24", 80, 24, UNICODE, False),
    ("ward-ascii-120x40", 120, 40, ASCII, False),
    ("ward-away-80x24", 80, 24, UNICODE, True),
)

OPEN: dict[int, tuple[OpenAlarm, ...]] = {
    7: (OpenAlarm(kind="tachycardia_extreme", priority="high", state="active",
                  evidence="158/min for 5 s, limit 150", raised=40_000),
        OpenAlarm(kind="abnormal_sound", priority="medium", state="active",
                  evidence="12 of 15 windows ≥ 0.80", raised=41_000)),
    19: (OpenAlarm(kind="abnormal_sound", priority="medium", state="latched",
                   evidence="11 of 15 windows ≥ 0.80, signal good, 78/min", raised=50_000),),
    23: (OpenAlarm(kind="heart_lost", priority="high", state="acknowledged",
                   evidence="no beat for 6 s", raised=30_000),),
    31: (OpenAlarm(kind="poor_signal", priority="low", state="active",
                   evidence="noisy: rubbing, 14 s", raised=60_000),),
}  # fmt: skip
SILENT = {12}


class HeldEar:
    """Gives what it is given, once."""

    def __init__(self) -> None:
        self.waiting: list[ReceivedMessage] = []

    def take(self) -> list[ReceivedMessage]:
        """What waits."""
        found, self.waiting = self.waiting, []
        return found


def states(beds: range) -> list[ReceivedMessage]:
    """What the beds say."""
    chance = random.Random(3)
    found = []
    for number in range(1, 51):
        rate = round(chance.uniform(55, 98), 1)
        alarms = list(OPEN.get(number, ()))
        if number == 7:
            rate = 158.0
        state = BedState(
            bed=f"bed-{number:02d}", host=f"bed-{number:02d}", session="s", index=90_000, wall=WALL,
            source="live", health="healthy", rate=None if number == 23 else rate,
            quality="noisy" if number == 31 else "good", verdict="normal", p=0.1, windows=15,
            gaps=0, lost_s=0.0, behind_s=0.0, can_record=True, alarms=alarms, ended=number == 44,
        )  # fmt: skip
        if number in beds:
            found.append(ReceivedMessage(f"apexbeat/{state.bed}/state", msgspec.json.encode(state)))
    return found


def raised() -> list[ReceivedMessage]:
    """The alarms of the log."""
    found = []
    for number, alarms in OPEN.items():
        for alarm in alarms:
            message = AlarmMessage(
                id=f"o{number}:{alarm.raised}", bed=f"bed-{number:02d}", session="s",
                index=alarm.raised, wall=WALL - 60 + alarm.raised / 2000, kind=alarm.kind,
                priority=alarm.priority, state="active", evidence=alarm.evidence,
            )  # fmt: skip
            found.append(
                ReceivedMessage(f"apexbeat/{message.bed}/alarm", msgspec.json.encode(message))
            )
    return found


async def take(
    width: int, height: int, glyphs: Glyphs, away: bool = False
) -> tuple[str, list[object]]:
    """The screen as text, and its rows as the compositor gives them."""
    ear, clock = HeldEar(), HeldClock(wall_step=WALL - 1000)
    app = WardApp(ear, "broker:1883", glyphs=glyphs, clock=clock, frames_per_s=0)
    noon = time.struct_time((2023, 11, 14, 22, 13, 20, 1, 318, 0))
    zone = mock.patch.dict(os.environ, {"TZ": "UTC"})
    with zone, mock.patch("monitor.tui.ward.lines.time") as held:
        held.localtime = time.gmtime
        held.strftime = lambda form, when=noon: time.strftime(form, when)
        async with app.run_test(size=(width, height)) as pilot:
            ear.waiting = [ReceivedMessage("", b""), *states(range(1, 51)), *raised()]
            app.frame()
            for step in range(4):
                clock.now += 2.0
                ear.waiting = [h for h in states(range(1, 51)) if h.topic.split("-")[1][:2] != "12"]
                if away and step == 3:
                    ear.waiting = [ReceivedMessage("", b"closed the connection")]
                app.frame()
            if away:
                clock.now += 3.0
            await pilot.pause()
            app.frame()
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            return "\n".join(s.text.rstrip() for s in strips) + "\n", list(strips)


def main() -> None:
    """Write golden texts and the picture."""
    from svg import svg

    GOLDEN.mkdir(exist_ok=True)
    for name, width, height, glyphs, away in SHOTS:
        text, strips = asyncio.run(take(width, height, glyphs, away))
        (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")
        if name == "ward-120x40":
            PICTURE.write_text(svg(strips, "#000000"), encoding="utf-8")  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
