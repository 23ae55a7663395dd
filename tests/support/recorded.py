"""Shipped recordings on the screen, at a moment worth seeing, at every size: golden text.

    python tests/support/recorded.py      # rewrites them; to be read by a person

The file is analysed as ``apexbeat replay --screen`` does, with the shipped models; a new model
changes what is said of it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from clocks import HeldClock
from pictures import GOLDEN, Held, settle, text_of

from monitor.assembly import Models, open_models
from monitor.config.load import Settings
from monitor.link import messages as ms
from monitor.replay.lookahead import SESSION, LookaheadAnalysis
from monitor.tui.app import ApexbeatApp

RECORDINGS = Path(__file__).parents[2] / "recordings"
SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))
MOMENTS_S = {
    "normal.wav": 30,
    "systolic_murmur.flac": 40,
    "tachycardia.flac": 45,
    "bradycardia.flac": 50,
    "noisy_contact_loss.wav": 74,
    "heart_stops.flac": 46,
}
"""Seconds into each recording."""


def golden(name: str, width: int, height: int) -> Path:
    """The file of one picture."""
    return GOLDEN / f"recording-{Path(name).stem}-{width}x{height}.txt"


def messages(name: str, models: Models) -> tuple[ms.Hello, ms.Snapshot]:
    """What a screen is told of a recording's moment."""
    ahead = LookaheadAnalysis(RECORDINGS / name, Settings(), models)
    ahead.start()
    if not ahead.wait(120.0) or ahead.found.trouble:
        raise RuntimeError(ahead.found.trouble or f"{name}: not analysed in time")
    index = MOMENTS_S[name] * 2000
    play = ms.Play(
        paused=True,
        speed=1.0,
        at=index,
        analysed=ahead.found.end,
        raised=list(ahead.found.raised),
    )
    hello = ms.Hello(link=ms.LINK_VERSION, software="0", pid=1, sessions=[SESSION])
    return hello, ahead.found.snapshot(index, play)


async def texts(name: str, models: Models) -> list[str]:
    """The screen at each of `SIZES`."""
    clock = HeldClock(wall_step=0.0)
    app = ApexbeatApp(Held(*messages(name, models)), clock=clock, frames_per_s=0)
    app.flash = False
    taken = []
    async with app.run_test(size=SIZES[0]) as pilot:
        clock.now += 0.7
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await settle(pilot, app)
            taken.append(text_of(app))
    return taken


if __name__ == "__main__":
    opened = open_models(Settings())
    for recording in MOMENTS_S:
        for shape, text in zip(SIZES, asyncio.run(texts(recording, opened)), strict=True):
            golden(recording, *shape).write_text(text, encoding="utf-8")
