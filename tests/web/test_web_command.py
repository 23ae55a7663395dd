"""``apexbeat live --web`` and ``attach --web`` as processes: a link, one page, and a clean end."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from monitor.cli.main import run

APEXBEAT = [sys.executable, "-m", "monitor.cli.main"]


def link(process: subprocess.Popen[str]) -> str:
    """The link that a command printed."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"the screen: (http://\S+)", line):
            return found[1]
    raise AssertionError("no link was printed")


def interruptible(command: list[str]) -> subprocess.Popen[str]:
    """Start a command that hears Ctrl-C, also where whoever runs the tests ignores it (``&``)."""
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip


async def page(url: str) -> None:
    """Open a link, and read on until the monitor stands there."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as client:
        base = url.partition("?")[0]
        async with client.get(url) as answer:
            assert answer.status == 200
            home = base + (await answer.text()).partition("url=/")[2].partition('"')[0]
        own = {"Origin": base.rstrip("/")}
        async with client.ws_connect(home + "ws?width=100&height=34", headers=own) as socket:
            text = b""
            while not (b"PHANTOM" in text and b"HEART RATE" in text):
                message = await socket.receive(60)
                text += message.data if message.type is aiohttp.WSMsgType.BINARY else b""


def test_a_link_shows_a_real_monitor_and_ends_with_it(tmp_path: Path) -> None:
    store = ["--store", str(tmp_path / "store")]
    live = interruptible([*APEXBEAT, "live", "--phantom", "normal", "--web", "127.0.0.1:0", *store])
    try:
        url = link(live)
        asyncio.run(page(url))
        second = interruptible([*APEXBEAT, "attach", "--web", "127.0.0.1:0", *store])
        asyncio.run(page(link(second)))
        second.send_signal(signal.SIGINT)
        assert second.wait(30) in (0, 130)
        assert live.poll() is None  # only that page is gone
        assert second.stderr is not None
        second.stderr.close()
    finally:
        live.send_signal(signal.SIGINT)
        assert live.wait(60) == 130
        assert live.stderr is not None
        live.stderr.close()
    with pytest.raises(aiohttp.ClientConnectionError):
        asyncio.run(page(url))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--web-control"], "--web-control needs --web"),
        (["--web", "example.org:80"], "not an address and port"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    options: list[str], words: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    where = ["--store", str(tmp_path / "store")]
    assert run(["live", "--phantom", "normal", *options, *where]) == 2
    assert words in capfd.readouterr().err
    assert not (tmp_path / "store").exists()
