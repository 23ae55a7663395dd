"""The pages of the first start at every size: golden text, and one picture for the README.

python tests/support/guided.py      # rewrites them; to be read by a person
"""

from __future__ import annotations

import asyncio
import json
import sys

from fake_meter import told
from pictures import GOLDEN, MANUAL, text_of
from recorded import SIZES
from svg import svg

from monitor.tui.first_start.app import FirstApp

PAGES = ("choose", "hear", "place", "selftest")
TEST = """
print('ok    libraries: numpy 2, scipy 1, torch 2, soundfile 0, sounddevice 0, textual 8')
print('ok    models: student 2a89a1778823, cycles 97eb18d2a7ce')
print('ok    cycles: 72 S1 and 71 S2 within 60 ms, none invented')
print('ok    rate: 71/min')
print('ok    false alarms and faults: none')
print('ok    repeatable: 209 events, the same however the sound is cut')
"""
WAITS = [sys.executable, "-c", "import sys; sys.stdin.read()"]


async def pages() -> dict[str, tuple[str, str]]:
    """Text and SVG of each page at each size, by ``page-WxH``."""
    app = FirstApp(WAITS, [sys.executable, "-c", TEST])
    found: dict[str, tuple[str, str]] = {}
    async with app.run_test(size=SIZES[0]) as pilot:
        for page in PAGES:
            for number in range(16):
                app.take_levels(json.dumps(told("tapped", number)))
            if page == "choose":
                await pilot.press("up")
            for size in SIZES:
                await pilot.resize_terminal(*size)
                while page == "selftest" and "All is well" not in text_of(app):
                    await asyncio.sleep(0.02)
                    await pilot.pause()
                await pilot.pause()
                app.draw()
                await pilot.pause()
                strips = app.screen._compositor.render_strips()
                picture = svg(strips, app.current_theme.background or "#000000")
                found[f"{page}-{size[0]}x{size[1]}"] = (text_of(app), picture)
            await pilot.press("enter")
    return found


if __name__ == "__main__":
    for name, (text, picture) in asyncio.run(pages()).items():
        (GOLDEN / f"guide-{name}.txt").write_text(text, encoding="utf-8")
        if name == "choose-80x24":
            (MANUAL / f"guide-{name}.svg").write_text(picture, encoding="utf-8")
