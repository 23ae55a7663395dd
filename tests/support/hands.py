"""A scripted core, the app on its socket, and hands on the keys: what tests of the screen drive."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from clocks import HeldClock
from pictures import text_of
from scene import Scene
from scene_core import FakeCore
from textual.pilot import Pilot

from monitor.link import requests as rq
from monitor.tui.app import SEEN_S, ApexbeatApp
from monitor.tui.connection import Connection
from monitor.tui.helpers import Helpers
from monitor.tui.widgets.wave_panel import WavePanel


class Bench:
    """A core, an app on its socket, and hands on the keys."""

    def __init__(
        self, core: FakeCore, app: ApexbeatApp, pilot: Pilot[int], clock: HeldClock
    ) -> None:
        self.core, self.app, self.pilot, self.clock = core, app, pilot, clock

    async def until(self, what: Callable[[], bool]) -> None:
        """Let messages through until ``what`` holds."""
        for _ in range(400):
            self.app.frame()
            if what():
                await self.pilot.pause()
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"not in time; the screen:\n{self.text}")

    async def press(self, *keys: str) -> None:
        """Press keys and draw."""
        await self.pilot.press(*keys)
        self.app.frame()
        await self.pilot.pause()

    async def seen(self, text: str) -> None:
        """Wait until ``text`` stands on the screen."""
        await self.until(lambda: text in self.text)

    async def asked(self, what: str, count: int = 1) -> rq.Request:
        """Wait until the core was asked for ``what``."""
        found: list[rq.Request] = []

        def there() -> bool:
            found[:] = [r for r in self.core.requests if r.what == what]
            return len(found) >= count

        await self.until(there)
        return found[-1]

    @property
    def text(self) -> str:
        """The screen as text."""
        return text_of(self.app)

    @property
    def sound(self) -> str:
        """The curve of the waveform, without the marks under it."""
        return self.wave.text().rpartition("\n")[0]

    @property
    def wave(self) -> WavePanel:
        """The waveform."""
        return self.app.screen_stack[0].query_one(WavePanel)


@contextlib.asynccontextmanager
async def bench(
    folder: Path, *scenes: Scene, size: tuple[int, int] = (120, 40),
    read_only: bool = False, answers: bool = True, helpers: Helpers | None = None,
    notes: Sequence[str] = (),
) -> AsyncIterator[Bench]:  # fmt: skip
    """An app attached to a core."""
    core = FakeCore(*scenes, answers=answers)
    await core.start(folder / "core.sock")
    clock = HeldClock(wall_step=0.0)
    app = ApexbeatApp(
        Connection(folder / "core.sock"), read_only=read_only, clock=clock,
        frames_per_s=0, helpers=helpers, notes=notes,
    )  # fmt: skip
    try:
        async with app.run_test(size=size) as pilot:
            it = Bench(core, app, pilot, clock)
            await it.until(lambda: (s := app.state.shown()) is not None and s.status is not None)
            app.frame()
            clock.now += SEEN_S  # what stands there was seen
            yield it
    finally:
        await core.stop()
