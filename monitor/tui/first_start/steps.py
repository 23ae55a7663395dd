"""The pages of the first start: choose a device, hear yourself, place it, self-test. Pure.

`monitor.tui.first_start.app` holds the state and shows them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.link.messages import DeviceLevel
from monitor.tui import devices, words
from monitor.tui.widgets.glyphs import Glyphs
from monitor.tui.widgets.panel import Line

STEPS = ("CHOOSE", "HEAR YOURSELF", "PLACE IT", "SELF-TEST")
TAP_DB = 12.0
"""A tap stands so far above what was heard before it."""
HEARD = 40
"""Levels that are kept: ten seconds."""

PHANTOMS = (
    ("phantom:normal", "A healthy heart at 72 /min"),
    ("phantom:murmur_tachycardia", "A murmur, and a rate that climbs until the alarm"),
    ("phantom:stop", "A heart that stops for a while"),
)
"""What can be tried without a stethoscope."""


@dataclass
class Ear:
    """What came from the chosen device so far: was it tapped, is it silent, does it clip?"""

    peaks: deque[float] = field(default_factory=lambda: deque(maxlen=HEARD))
    taps: int = 0
    clipped: bool = False
    _above: bool = False

    def take(self, level: DeviceLevel) -> None:
        """One quarter of a second."""
        self.clipped = level.clipped > 0
        if level.peak_db is None:
            return
        if len(self.peaks) >= 4:
            above = level.peak_db > float(np.median(self.peaks)) + TAP_DB
            self.taps += above and not self._above
            self._above = above
        self.peaks.append(level.peak_db)

    @property
    def silent(self) -> bool:
        """Whether nothing but silence came for two seconds."""
        return len(self.peaks) >= 8 and max(self.peaks) <= devices.SILENT_DB


def head(step: int, width: int, glyphs: Glyphs) -> Line:
    """Where one is; a narrow terminal names the present step only."""
    out: Line = [(" apexbeat   ", "strong")]
    for number, name in enumerate(STEPS):
        ink = "strong" if number == step else "good" if number < step else "dim"
        done = f"{glyphs.tick} " if number < step else ""
        title = f" {name}" if number == step or width >= 76 else ""
        out.append((f"{done}{number + 1}{title}   ", ink))
    return out


def choose(
    levels: Sequence[DeviceLevel], trouble: str, chosen: str | None, width: int, glyphs: Glyphs
) -> list[Line]:
    """Which device is the stethoscope? The one whose bar moves when it is tapped."""
    out: list[Line] = [
        [("Tap the stethoscope: the bar that moves is its device.", "plain")],
        [],
    ]
    if trouble:
        out.append([(trouble, "medium")])
    elif not levels:
        out.append([("Looking for input devices. None yet: plug the stethoscope in.", "dim")])
    out += devices.rows(levels, chosen, width, glyphs)
    out += [[], [("No stethoscope? Take a phantom heart instead:", "plain")]]
    for name, text in PHANTOMS:
        here = name == chosen
        out.append(
            [
                (f"{glyphs.play if here else ' '} ", "strong"),
                (text, "strong" if here else "plain"),
            ]
        )
    return out


def hear(level: DeviceLevel | None, ear: Ear, width: int, glyphs: Glyphs) -> list[Line]:
    """Is it this one, and is it loud enough?"""
    if level is None:
        return [[("The device is gone; esc goes back to the list.", "medium")]]
    wide = max(10, min(60, width - 16))
    out: list[Line] = [
        [(level.name, "strong")],
        [],
        [
            (devices.bar(level.peak_db, wide, glyphs), devices.ink(level)),
            (f"  {devices.says(level)}", "plain"),
        ],
        [],
        [("Tap the membrane twice with a finger, then breathe on it.", "plain")],
        [],
    ]
    if level.peak_db is None:
        out.append([(f"Nothing comes: {devices.says(level)}.", "medium")])
    elif ear.clipped:
        out.append([("It clips: turn its input level down, or tap more softly.", "medium")])
    elif ear.silent:
        out.append([("Only silence: is it muted, or switched off?", "medium")])
    elif ear.taps >= 2:
        out.append([(f"{glyphs.tick} {ear.taps} taps heard. Enter goes on.", "good")])
    else:
        out.append([(f"{ear.taps} of 2 taps heard so far.", "dim")])
    return out


def place(glyphs: Glyphs) -> list[Line]:
    """Where to put it."""
    full, empty = ("●", "○") if glyphs.unicode else ("*", "o")
    picture = (
        (" right side          left side", ""),
        (".--------.___   ___.--------.", ""),
        ("            |   |", ""),
        (f"         {empty}  |   |  {empty}", f"{empty}  second space between ribs: S2 loud"),
        ("            |   |", ""),
        (f"            |   |  {full}", f"{full}  fourth, left of the bone: begin here"),
        (f"            |   |       {empty}", f"{empty}  fifth, under the nipple: S1 loud"),
        ("            |   |", ""),
        ("'-----------     -----------'", ""),
    )
    out: list[Line] = [[(f"{chest:<33}", "dim"), (text, "plain")] for chest, text in picture]
    out += [
        [],
        [("Press lightly on the bare skin. Hold still, and do not speak.", "plain")],
        [("Cloth, hair and a moving hand sound like noise, and are said to be it.", "plain")],
    ]
    return out


def tested(
    lines: Sequence[str], done: bool, failed: bool, width: int, glyphs: Glyphs
) -> list[Line]:
    """What the self-test found so far."""
    out: list[Line] = [
        [("Now a heart whose beats are known is listened to.", "plain")],
        [],
    ]
    for line in lines:
        good = line.startswith("ok")
        text = words.cut(line.partition("  ")[2].strip(), width - 2, glyphs.ellipsis)
        mark = glyphs.tick if good else glyphs.cross
        out.append([(f"{mark} ", "good" if good else "high"), (text, "plain")])
    out.append([])
    if not done:
        out.append([("listening", "dim")])
    elif failed:
        out.append([("Something is wrong: do not trust what is shown. q leaves.", "high")])
    else:
        out.append([("All is well. Enter starts the monitor.", "good")])
    return out
