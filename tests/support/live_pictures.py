"""Pictures of the product at work, for README and manual: nothing in them is staged.

    python tests/support/live_pictures.py [FOLDER]

plays shipped recordings into a virtual microphone, monitors it with ``apexbeat live --headless``
and draws the screen that is attached to it. It takes four minutes; the times of day are of then.
With FOLDER, six more screens are attached in tmux, one of each size of `SIZES`, and what stands on
them in each state is written there as text.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from real_core import attach
from svg import svg
from virtual_microphone import VirtualMicrophone

from monitor.link.address import address_of
from monitor.tui.app import ApexbeatApp
from monitor.tui.connection import Connection

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "pictures"
LIMIT_S = 60.0
SIZES = ((60, 20), (80, 24), (72, 85), (120, 40), (160, 50), (240, 70))


class Tmux:
    """Screens attached in tmux, one of each size; ``None`` for the folder starts none."""

    def __init__(self, folder: Path | None, store: Path, env: dict[str, str]) -> None:
        self._folder, self._server = folder, store.parent / "tmux"
        self._env = {**env, "LANG": "C.UTF-8", "XDG_CONFIG_HOME": str(store.parent)}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        for columns, rows in SIZES if folder is not None else ():
            program = [sys.executable, "-m", "monitor.cli.main", "attach", "--store", str(store)]
            name = f"{columns}x{rows}"
            size = ["-x", str(columns), "-y", str(rows)]
            self._ask("-f", str(self._settings()), "new-session", "-d", "-s", name, *size, *program)

    def _settings(self) -> Path:
        """What has ended stays to be read."""
        path = self._server.with_suffix(".conf")
        path.write_text("set-option -g remain-on-exit on\n")
        return path

    def take(self, state: str) -> None:
        """Write what stands on each of them."""
        for columns, rows in SIZES if self._folder is not None else ():
            text = self._ask("capture-pane", "-p", "-t", f"{columns}x{rows}")
            assert self._folder is not None
            (self._folder / f"{state}-{columns}x{rows}.txt").write_text(text, encoding="utf-8")

    def close(self) -> None:
        """End them."""
        if self._folder is not None:
            self._ask("kill-server")

    def _ask(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._server), *words],
            cwd=ROOT, env=self._env, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout


class Camera:
    """A screen on a running core, drawn when told."""

    def __init__(self, app: ApexbeatApp, pilot: object, tmux: Tmux) -> None:
        self.app, self._pilot, self._tmux = app, pilot, tmux

    async def wait(self, seconds: float) -> None:
        """Let the monitor work."""
        await asyncio.sleep(seconds)

    async def take(self, name: str, *keys: str, size: tuple[int, int] = (120, 40)) -> None:
        """Draw what stands there now; ``keys`` are pressed before, and escape after."""
        pilot = self._pilot
        if size == (120, 40) and not keys:
            self._tmux.take(name)
        await pilot.resize_terminal(*size)  # type: ignore[attr-defined]
        await asyncio.sleep(0.7)
        if keys:
            await pilot.press(*keys)  # type: ignore[attr-defined]
            await asyncio.sleep(0.5)
        strips = self.app.screen._compositor.render_strips()
        picture = svg(strips, self.app.current_theme.background or "#000000")
        (MANUAL / f"live-{name}-{size[0]}x{size[1]}.svg").write_text(picture, encoding="utf-8")
        print(f"live-{name}-{size[0]}x{size[1]}", flush=True)
        print("\n".join(strip.text.rstrip() for strip in strips), flush=True)
        if keys:
            await pilot.press("escape")  # type: ignore[attr-defined]


async def session(camera: Camera, microphone: VirtualMicrophone, store: Path) -> None:
    """The heart begins, stops, comes back; then contact is lost, the core dies, the cable goes."""
    player = microphone.play(ROOT / "recordings" / "heart_stops.flac")
    await camera.wait(6.0)
    await camera.take("listening")
    await camera.wait(23)
    await camera.take("normal")
    for size in ((80, 24), (72, 85), (160, 50)):
        await camera.take("normal", size=size)
    await camera.wait(12)
    await camera.take("stopped")
    await camera.take("stopped", size=(80, 24))
    await camera.wait(10)
    await camera.take("log", "l")
    player.kill()
    microphone.play(ROOT / "recordings" / "noisy_contact_loss.wav")
    await camera.wait(42)
    await camera.take("contact-lost")
    await camera.wait(27)
    await camera.take("noise")
    client, core = attach(store)
    client.close()
    os.kill(core, signal.SIGKILL)
    await camera.wait(4)
    await camera.take("core-dead")
    microphone.play(ROOT / "recordings" / "normal.wav")
    await camera.wait(24)
    await camera.take("restarted")
    microphone.suspend(True)
    await camera.wait(8)
    await camera.take("no-signal")
    microphone.suspend(False)


async def draw(microphone: VirtualMicrophone, store: Path, texts: Path | None) -> None:
    """Monitor, attach, draw."""
    os.environ.update(microphone.env)
    with (store.parent / "monitor.log").open("wb") as log:
        monitor = subprocess.Popen(
            [sys.executable, "-m", "monitor.cli.main", "live", "--device", "vmic", "--headless",
             "--store", str(store), "--set", "sound.alarms=false"],
            cwd=ROOT, env=microphone.env, stderr=log,
        )  # fmt: skip
    try:
        address, end_s = address_of(store), time.monotonic() + LIMIT_S
        while not address.exists():
            assert time.monotonic() < end_s
            await asyncio.sleep(0.1)
        tmux = Tmux(texts, store, microphone.env)
        try:
            app = ApexbeatApp(Connection(address))
            app.flash = False
            async with app.run_test(size=(120, 40)) as pilot:
                await session(Camera(app, pilot, tmux), microphone, store)
        finally:
            tmux.close()
    finally:
        monitor.terminate()
        monitor.wait()


def main() -> None:
    """Draw all of them."""
    with tempfile.TemporaryDirectory() as folder:
        microphone = VirtualMicrophone(Path(folder) / "vm")
        try:
            texts = Path(sys.argv[1]).absolute() if sys.argv[1:] else None
            asyncio.run(draw(microphone, Path(folder) / "store", texts))
        finally:
            microphone.close()


if __name__ == "__main__":
    main()
