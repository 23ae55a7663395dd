"""Pictures of the screen: golden text for the tests, SVG and keys for the manual. Rewritten by

    python tests/support/pictures.py

and read by a person before they are committed (``git diff tests/tui/golden``).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clocks import HeldClock
from scene import Scene
from scenes import scene
from svg import svg
from textual.app import App
from textual.pilot import Pilot

from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.tui.app import ApexbeatApp
from monitor.tui.connection import Deliver, Note
from monitor.tui.keys import KEYS
from monitor.tui.widgets import theme
from monitor.tui.widgets.glyphs import ASCII, UNICODE, Glyphs

os.environ["TZ"] = "UTC"  # the screen shows local time
time.tzset()

GOLDEN = Path(__file__).parents[1] / "tui" / "golden"
MANUAL = Path(__file__).parents[2] / "docs" / "pictures"
PAGE = Path(__file__).parents[2] / "docs" / "screen.md"
AT_S = 760.0


class Held:
    """A link without a socket: delivers what it is given at the start, and keeps requests."""

    def __init__(self, *messages: ms.FromCore, connected: bool = True) -> None:
        self.messages = messages
        self.connected = connected
        self.requests: list[rq.Request] = []

    async def run(self, deliver: Deliver, note: Note) -> None:
        """Deliver, then be silent."""
        note(
            self.connected, 0 if self.connected else 3, "" if self.connected else "no core is there"
        )
        for message in self.messages:
            deliver(message)
        await asyncio.Event().wait()

    def send(self, request: rq.Request) -> bool:
        """Keep it."""
        if self.connected:
            self.requests.append(request)
        return self.connected


def hello(*scenes: Scene) -> ms.Hello:
    """First message of a core that plays scenes."""
    names = [played.session for played in scenes]
    return ms.Hello(link=ms.LINK_VERSION, software="0", pid=1, sessions=names)


@dataclass(frozen=True)
class Shot:
    """One picture: what is played, how large, which keys, how long nothing was heard."""

    name: str
    scene: str
    width: int
    height: int
    keys: tuple[str, ...] = ()
    silent_s: float = 0.0
    glyphs: Glyphs = UNICODE
    theme: str = theme.DARK.name

    @property
    def manual(self) -> bool:
        """Whether the manual shows it, as SVG."""
        return self.name in IN_MANUAL


IN_MANUAL = {
    "normal-120x40", "several-120x40", "lost-120x40", "dead-120x40", "log-120x40",
    "spectrum-120x40", "light-120x40", "replay-120x40",
}  # fmt: skip


def _all_sizes() -> list[Shot]:
    small, medium, large, huge = (60, 20), (80, 24), (120, 40), (200, 60)
    whole = (small, medium, large, huge)
    every = {
        "normal": whole,
        "alarm": whole,
        "several": (small, medium, large),
        "paused": whole,
        "gap": whole,
        "lost": whole,
        "unsure": (medium,),
        "young": (medium, large),
        "": whole,
    }
    shots = [
        Shot(f"{n or 'first'}-{w}x{h}", n, w, h) for n, sizes in every.items() for w, h in sizes
    ]
    for w, h in (small, medium, large, huge):
        shots.append(Shot(f"dead-{w}x{h}", "alarm", w, h, silent_s=7.3))
    shots.append(Shot("nocore-60x20", "", *small, silent_s=3.1))
    shots.append(Shot("nocore-80x24", "", *medium, silent_s=3.1))
    return shots


SHOTS: tuple[Shot, ...] = (
    *_all_sizes(),
    Shot("light-120x40", "alarm", 120, 40, theme=theme.LIGHT.name),
    Shot("brief-40x10", "alarm", 40, 10),
    Shot("ascii-80x24", "alarm", 80, 24, glyphs=ASCII),
    Shot("ascii-120x40", "several", 120, 40, glyphs=ASCII),
    Shot("help-80x24", "normal", 80, 24, keys=("question_mark",)),
    Shot("quit-80x24", "alarm", 80, 24, keys=("q",)),
    Shot("note-80x24", "normal", 80, 24, keys=("m", *"cough")),
    Shot("device-80x24", "normal", 80, 24, keys=("d",)),
    Shot("settings-80x24", "normal", 80, 24, keys=("s",)),
    Shot("limit-80x24", "normal", 80, 24, keys=("s", "2", *("backspace",) * 3, "7", "4")),
    Shot("log-80x24", "several", 80, 24, keys=("l",)),
    Shot("log-120x40", "several", 120, 40, keys=("l", "down")),
    Shot("spectrum-120x40", "alarm", 120, 40, keys=("v",)),
    Shot("replay-120x40", "replay", 120, 40),
    Shot("replay-80x24", "replay", 80, 24),
    Shot("frozen-120x40", "gap", 120, 40, keys=("space",)),
    Shot("minute-120x40", "gap", 120, 40, keys=(">", ">", ">")),
)


def text_of(app: App[int]) -> str:
    """What stands on the terminal, row by row, blanks at the ends left out."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


async def settle(pilot: Pilot[int], app: ApexbeatApp) -> None:
    """Let messages, layout and one frame happen."""
    for _ in range(3):
        await pilot.pause()
        app.frame()
    await pilot.pause()


def groups(shots: Iterable[Shot]) -> list[list[Shot]]:
    """Shots that differ in size only, together: one app is made for each group."""
    found: dict[object, list[Shot]] = {}
    for shot in shots:
        alike = (shot.scene, shot.silent_s, shot.glyphs, shot.theme, shot.keys)
        found.setdefault(alike if not shot.keys else shot, []).append(shot)
    return list(found.values())


def app_of(shot: Shot, clock: HeldClock) -> ApexbeatApp:
    """The app of a picture, fed but not moving."""
    if shot.scene:
        played = scene(shot.scene)
        link = Held(hello(played), played.snapshot(AT_S))
        for gap in played.gap_events(0, int(AT_S * 2000)):
            link.messages += (ms.EventLine(session=played.session, seq=0, event=gap),)
    else:
        link = Held(connected=not shot.silent_s)
    app = ApexbeatApp(link, glyphs=shot.glyphs, clock=clock, theme_name=shot.theme, frames_per_s=0)
    app.flash = False
    return app


async def take(shots: Sequence[Shot]) -> list[tuple[str, str]]:
    """Text and SVG of each picture of one group."""
    clock = HeldClock(wall_step=0.0)
    app = app_of(shots[0], clock)
    taken = []
    async with app.run_test(size=(shots[0].width, shots[0].height)) as pilot:
        clock.now += 0.3
        await settle(pilot, app)
        await pilot.press(*shots[0].keys)
        clock.now += shots[0].silent_s
        for shot in shots:
            await pilot.resize_terminal(shot.width, shot.height)
            await settle(pilot, app)
            strips = app.screen._compositor.render_strips()
            taken.append((text_of(app), svg(strips, app.current_theme.background or "#000000")))
    return taken


async def write_all(shots: Sequence[Shot]) -> None:
    """Write golden texts and the manual's pictures."""
    GOLDEN.mkdir(exist_ok=True)
    MANUAL.mkdir(parents=True, exist_ok=True)
    for group in groups(shots):
        for shot, (text, picture) in zip(group, await take(group), strict=True):
            (GOLDEN / f"{shot.name}.txt").write_text(text, encoding="utf-8")
            if shot.manual:
                (MANUAL / f"{shot.name}.svg").write_text(picture, encoding="utf-8")


def keys_of_the_manual() -> str:
    """The table of keys, made from the one that the screen itself uses."""
    rows = [f"| `{key.shown}` | {key.long} |" for key in KEYS]
    rows.append("| `ctrl+p` | every command by its name |")
    return "\n".join(["| key | what it does |", "|---|---|", *rows])


def manual_with_keys(page: str) -> str:
    """The manual's page with its table of keys brought up to date."""
    head, rest = page.split("<!-- keys:begin (python tests/support/pictures.py) -->\n")
    tail = rest.partition("<!-- keys:end -->")[2]
    begin = "<!-- keys:begin (python tests/support/pictures.py) -->\n"
    return f"{head}{begin}{keys_of_the_manual()}\n<!-- keys:end -->{tail}"


if __name__ == "__main__":
    wanted = sys.argv[1:]
    PAGE.write_text(manual_with_keys(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    asyncio.run(write_all([s for s in SHOTS if not wanted or s.name in wanted]))
