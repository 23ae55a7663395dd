"""The first start: a device by its level, taps that are heard, a self-test, and ways out."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from guided import pages
from pictures import GOLDEN, MANUAL, text_of
from textual.pilot import Pilot

from monitor.link.messages import DeviceLevel
from monitor.tui import devices
from monitor.tui.first_start import steps as first_steps
from monitor.tui.first_start.app import FirstApp
from monitor.tui.widgets.glyphs import ASCII, UNICODE, Glyphs

METER = [sys.executable, str(Path(__file__).parents[1] / "support" / "fake_meter.py")]
GOOD = [sys.executable, "-c", "print('ok    rate: 71/min')"]
BAD = [sys.executable, "-c", "print('FAIL  rate: 12/min'); raise SystemExit(1)"]


def level(name: str, peak_db: float | None, **over: object) -> DeviceLevel:
    values: dict[str, object] = {
        "identity": name, "name": name, "rate_hz": 4000, "channels": 1, "default": False,
        "peak_db": peak_db, "rms_db": peak_db, "clipped": 0, "trouble": "",
    } | over  # fmt: skip
    return DeviceLevel(**values)  # type: ignore[arg-type]


class Guide:
    def __init__(self, app: FirstApp, pilot: Pilot[int]) -> None:
        self.app, self.pilot = app, pilot

    async def seen(self, *words: str) -> None:
        """Wait until all of ``words`` stand on the screen."""
        for _ in range(500):
            text = text_of(self.app)
            if all(word in text for word in words):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{words} not in:\n{text}")


@contextlib.asynccontextmanager
async def guide(
    kind: str = "tapped",
    selftest: list[str] = GOOD,
    glyphs: Glyphs = UNICODE,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[Guide]:
    app = FirstApp([*METER, kind], selftest, glyphs=glyphs)
    async with app.run_test(size=size) as pilot:
        yield Guide(app, pilot)


async def test_the_way_from_a_list_of_devices_to_a_source() -> None:
    async with guide() as it:
        await it.seen("USB Stethoscope", "-45 dB", "silence: muted?", "is in use")
        await it.seen("▶ Built-in Microphone")  # nobody has chosen yet
        await it.pilot.press("up", "r")
        await it.seen("▶ USB Stethoscope", "Remembered: not asked for again")
        await it.pilot.press("enter")
        await it.seen("taps heard. Enter goes on.")
        await it.pilot.press("enter")
        await it.seen("begin here", "Hold still")
        await it.pilot.press("enter")
        await it.seen("rate: 71/min", "All is well. Enter starts the monitor.")
        await it.pilot.press("enter")
        assert it.app.source == "device:ALSA:usb"
        assert it.app.remember
        assert it.app.return_value == 0


async def test_a_phantom_is_started_at_once_and_never_remembered() -> None:
    async with guide("none") as it:
        await it.seen("None yet: plug the stethoscope in")
        await it.pilot.press("r", "down", "enter")
        assert it.app.source == "phantom:murmur_tachycardia"
        assert not it.app.remember


async def test_a_self_test_that_fails_says_not_to_trust_what_is_shown() -> None:
    async with guide(selftest=BAD) as it:
        await it.seen("USB Stethoscope")
        await it.pilot.press("up", "enter", "enter", "enter")
        await it.seen("╳ rate: 12/min", "do not trust what is shown")
        await it.pilot.press("escape", "escape", "escape")
        await it.seen("1 CHOOSE", "▶ USB Stethoscope")
        await it.pilot.press("q")
        assert it.app.source is None
        assert it.app.return_value == 130


async def test_s_starts_from_the_second_step_and_trouble_is_one_line() -> None:
    async with guide("trouble") as it:
        await it.seen("PortAudio is missing")
    async with guide() as it:
        await it.seen("USB Stethoscope")
        await it.pilot.press("s")
        assert it.app.source is None  # the list has not been left yet
        await it.pilot.press("up", "enter", "s")
        assert it.app.source == "device:ALSA:usb"


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (200, 60)])
async def test_it_fits_small_and_plain_terminals(size: tuple[int, int]) -> None:
    async with guide(glyphs=ASCII, size=size) as it:
        await it.seen("CHOOSE", "USB St")
        for _ in range(12):  # a bar may end inside a cell
            text = text_of(it.app)
            assert text.isascii()
            assert max(map(len, text.splitlines())) <= size[0]
            await it.pilot.press("down")


def test_a_tap_is_a_level_that_stands_out_and_is_counted_once() -> None:
    ear = first_steps.Ear()
    for peak in (-45.0, -44.0, -46.0, -45.0, -10.0, -12.0, -45.0, -9.0, -45.0):
        ear.take(level("mic", peak))
    assert ear.taps == 2
    assert not ear.silent
    quiet = first_steps.Ear()
    for _ in range(8):
        quiet.take(level("mic", -91.0))
    assert quiet.silent
    assert quiet.taps == 0
    quiet.take(level("mic", 0.0, clipped=3))
    assert quiet.clipped


def test_a_level_is_said_in_words_too() -> None:
    assert devices.says(level("a", None, trouble="is monitored")) == "is monitored"
    assert devices.says(level("a", None)) == "no samples"
    assert devices.says(level("a", -0.0, clipped=9)) == "CLIPS: turn it down"
    assert devices.bar(0.0, 6, UNICODE) == "██████"
    assert devices.bar(-60.0, 6, ASCII) == "......"
    assert devices.moved(["a", "b"], "b", 5) == "b"
    assert devices.moved(["a", "b"], "gone", 1) == "b"
    assert devices.moved([], None, 1) is None


def test_every_page_at_every_size_is_as_it_was_read_by_a_person() -> None:
    found = asyncio.run(pages())
    assert {path.stem for path in GOLDEN.glob("guide-*.txt")} == {f"guide-{n}" for n in found}
    for name, (text, picture) in found.items():
        assert text == (GOLDEN / f"guide-{name}.txt").read_text(encoding="utf-8"), name
        if name == "choose-80x24":
            assert picture == (MANUAL / f"guide-{name}.svg").read_text(encoding="utf-8")
