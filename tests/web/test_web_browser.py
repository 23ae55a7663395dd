"""The screen in a real headless Chromium: what it shows, what it may do, when it is covered."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import zlib
from pathlib import Path

import pytest
from chromium import PROGRAM, Chromium, Page
from served import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not PROGRAM, reason="Chromium is not installed"),
]
COVERED = "!document.getElementById('trouble').hidden"


def screens() -> list[int]:
    """Processes of the screen that this process's children started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(") ")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"monitor.tui.web" in words and parent == os.getpid():
            found.append(int(entry.name))
    return found


def colours(png: bytes) -> int:
    """How many different rows of bytes a picture has: one or two where it is empty."""
    at, data = 8, b""
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw = zlib.decompress(data)
    width, _ = struct.unpack(">II", png[16:24])
    step = len(raw) // struct.unpack(">I", png[20:24])[0]
    assert width > 0
    return len({raw[n : n + step] for n in range(0, len(raw), step)})


async def looks_and_may_not_touch(page: Page, url: str) -> None:
    text = await page.until("ABNORMAL")
    assert "MEDIUM" in text
    assert "HEART RATE" in text
    await page.until_beats(2)
    await page.until_true(f"!({COVERED})")  # it is covered for a while where the machine is slow
    assert colours(await page.picture()) > 100
    own = url.partition("?")[0].removeprefix("http://")
    foreign = [u for u in page.requests if own not in u and not u.startswith("data:")]
    assert foreign == []
    assert await page.run("document.cookie") == ""  # no script can read the key
    assert "token" not in await page.run("location.href")
    await page.press("a")
    await page.until("this screen is read-only")
    assert not [line for line in page.console if "Content Security Policy" in line]


def test_a_browser_shows_the_screen_reads_only_and_never_believes_a_frozen_picture(
    tmp_path: Path,
) -> None:
    async def run() -> None:
        async with served(tmp_path) as web, Chromium(tmp_path / "profile") as chromium:
            page = await chromium.page(web.url)
            await looks_and_may_not_touch(page, web.url)
            assert web.core.requests == []

            [screen] = screens()
            os.kill(screen, signal.SIGSTOP)
            await page.until_true(COVERED)
            assert "NO CONNECTION" in await page.run("document.body.innerText")
            os.kill(screen, signal.SIGCONT)
            await page.until_true(f"!({COVERED})")

            await web.core.stop()  # and the core that dies is told by the screen itself
            await page.until("CORE NOT RESPONDING")
            os.kill(screen, signal.SIGKILL)
            await page.until_true("!document.getElementById('again').hidden")
            assert "THIS SCREEN IS CLOSED" in await page.run("document.body.innerText")
            await page.close()

    asyncio.run(run())
    assert screens() == []


def test_a_browser_that_may_control_acknowledges_and_leaves(tmp_path: Path) -> None:
    async def run() -> None:
        async with served(tmp_path, control=True) as web, Chromium(tmp_path / "p") as chromium:
            page = await chromium.page(web.url)
            await page.until("to acknowledge")
            await page.until_beats(2)  # a key answers what has been looked at
            await page.press("a")
            await page.until("acknowledged")
            assert [request.what for request in web.core.requests] == ["acknowledge"]
            await page.press("q")
            await page.until("LEAVE THE SCREEN")
            await page.press("k")
            await page.until_true("!document.getElementById('again').hidden")
            await page.close()

    asyncio.run(run())
    assert screens() == []
