"""Pictures of the product at work, for README and manual: nothing in them is staged.

    python tests/support/live_pictures.py

plays shipped recordings into a virtual microphone, monitors it with ``apexbeat live --headless``
and draws the screen that is attached to it. It takes four minutes; the times of day are of then.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from svg import svg
from textual.pilot import Pilot
from virtual_microphone import VirtualMicrophone
from whole_monitor import Monitor, monitor

from monitor.tui.app import ApexbeatApp
from monitor.tui.connection import Connection

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "pictures"
SIZE = (120, 40)


class Camera:
    """A screen on a running core, drawn when told."""

    def __init__(self, app: ApexbeatApp, pilot: Pilot[int]) -> None:
        self.app, self._pilot = app, pilot

    async def wait(self, seconds: float) -> None:
        """Let the monitor work."""
        await asyncio.sleep(seconds)

    async def take(self, name: str, *keys: str) -> None:
        """Draw what stands there now; ``keys`` are pressed before, and escape after."""
        await asyncio.sleep(0.7)
        if keys:
            await self._pilot.press(*keys)
            await asyncio.sleep(0.5)
        strips = self.app.screen._compositor.render_strips()
        picture = svg(strips, self.app.current_theme.background or "#000000")
        path = MANUAL / f"live-{name}-{SIZE[0]}x{SIZE[1]}.svg"
        path.write_text(picture, encoding="utf-8")
        print(path.stem, *(strip.text.rstrip() for strip in strips), sep="\n", flush=True)
        if keys:
            await self._pilot.press("escape")


async def session(camera: Camera, microphone: VirtualMicrophone, one: Monitor) -> None:
    """The heart begins, stops, comes back; then contact is lost, the core dies, the cable goes."""
    player = microphone.play(ROOT / "recordings" / "heart_stops.flac")
    await camera.wait(6.0)
    await camera.take("listening")
    await camera.wait(23)
    await camera.take("normal")
    await camera.wait(14)
    await camera.take("stopped")
    await camera.wait(11)
    await camera.take("log", "l")
    player.kill()
    microphone.play(ROOT / "recordings" / "noisy_contact_loss.wav")
    await camera.wait(42)
    await camera.take("contact-lost")
    await camera.wait(27)
    await camera.take("noise")
    one.kill_core()
    await camera.wait(4)
    await camera.take("core-dead")
    microphone.play(ROOT / "recordings" / "normal.wav")
    await camera.wait(24)
    await camera.take("restarted")
    microphone.suspend(True)
    await camera.wait(8)
    await camera.take("no-signal")
    microphone.suspend(False)


async def draw(microphone: VirtualMicrophone, one: Monitor) -> None:
    """Attach a screen, and draw it."""
    app = ApexbeatApp(Connection(one.address))
    app.flash = False
    async with app.run_test(size=SIZE) as pilot:
        await session(Camera(app, pilot), microphone, one)


def main() -> None:
    """Draw all of them."""
    with tempfile.TemporaryDirectory() as name, VirtualMicrophone(Path(name) / "vm") as microphone:
        os.environ.update(microphone.env)
        options = ("--device", "vmic", "--set", "sound.alarms=false")
        with monitor(Path(name), *options) as one:
            one.detach()  # it is no screen that is drawn
            asyncio.run(draw(microphone, one))


if __name__ == "__main__":
    main()
