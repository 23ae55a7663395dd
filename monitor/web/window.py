"""One browser: a process of the screen, its picture to the browser, keys and size back.

textual-serve's `AppService` starts the process and speaks with it. What is added: the screen says
twice a second that its loop goes round, and that is passed on, so that the page can tell a
picture that stands still from a heart that does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

LONGEST = 65_536
"""Of a message from a browser, bytes."""
SIZES = (10, 500)
"""Columns and rows that a browser may ask for."""
LEAVE_S = 3.0
QUIET_S = 10.0
"""A browser that answers no ping for so long is gone."""

logging.getLogger("textual-serve").setLevel(logging.CRITICAL)


class _Screen(AppService):
    async def on_meta(self, data: bytes) -> None:
        """Pass on that the screen lives; files and links of the screen go nowhere."""
        kind = json.loads(data)["type"]
        if kind == "beat":
            await self.remote_write_str('["beat"]')
        elif kind == "exit":
            await self.remote_close()

    async def run(self) -> None:
        """Until the screen is gone, however it went; the browser is told."""
        try:
            await super().run()
        finally:
            await self.remote_close()

    async def end(self) -> None:
        """Ask it to leave; kill it where it does not."""
        try:
            await asyncio.wait_for(self.stop(), LEAVE_S)
        except TimeoutError:
            if self._process is not None and self._process.returncode is None:
                self._process.kill()
        if self._process is not None:
            await self._process.wait()


def command(address: Path, control: bool) -> str:
    """The shell's words for one screen; its troubles go to the log beside the socket."""
    words = [sys.executable, "-m", "monitor.tui.web", str(address)]
    if control:
        words.append("--control")
    return f"exec {shlex.join(words)} 2>>{shlex.quote(str(address.parent / 'screen.log'))}"


async def run(
    request: web.Request, address: Path, control: bool, left: Callable[[Awaitable[None]], None]
) -> web.WebSocketResponse:
    """Serve one browser until it or its screen leaves; ``left`` sees the screen's process out."""
    socket = web.WebSocketResponse(heartbeat=QUIET_S, max_msg_size=LONGEST)
    await socket.prepare(request)

    async def close() -> None:
        with contextlib.suppress(ConnectionError):
            await socket.close()

    screen = _Screen(
        command(address, control),
        write_bytes=socket.send_bytes,
        write_str=socket.send_str,
        close=close,
        download_manager=DownloadManager(),
    )
    width = _size(request.query.get("width"), 80)
    height = _size(request.query.get("height"), 24)
    await screen.start(width, height)
    try:
        async for message in socket:
            if message.type != WSMsgType.TEXT or not await _pass_on(message.data, screen):
                break
    finally:
        left(screen.end())
        await close()
    return socket


async def _pass_on(text: str, screen: _Screen) -> bool:
    """Give a message of the browser to the screen; False where it is nonsense."""
    try:
        kind, *values = json.loads(text)
        if kind == "stdin":
            return await screen.send_bytes(str(values[0]).encode())
        if kind == "resize":
            size = values[0]
            width, height = _size(size["width"], 80), _size(size["height"], 24)
            return await screen.send_meta({"type": "resize", "width": width, "height": height})
        if kind in ("focus", "blur"):
            return await screen.send_meta({"type": kind})
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        return False
    return bool(kind == "ping")


def _size(value: object, other: int) -> int:
    try:
        asked = int(str(value))
    except ValueError:
        return other
    return max(SIZES[0], min(asked, SIZES[1]))
