"""A real headless Chromium, driven by its own protocol (Chrome DevTools) over a socket.

Reaches 127.0.0.1 only. What a page's web socket received is kept, so that the terminal's text can
be read back by pyte: xterm.js draws on a canvas.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
from pathlib import Path
from typing import Any, Self

import aiohttp
import pyte

PROGRAM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-background-networking", "--disable-gpu",
    "--disable-dev-shm-usage", "--no-first-run", "--disable-component-update", "--disable-sync",
    "--proxy-server=127.0.0.1:1", "--proxy-bypass-list=127.0.0.1;localhost",
    "--remote-debugging-port=0", "--window-size=1280,800",
)  # fmt: skip


class Chromium:
    """One browser process; `page` opens a tab."""

    def __init__(self, home: Path) -> None:
        self._home = home

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            PROGRAM, *FLAGS, f"--user-data-dir={self._home}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stderr is not None
        while True:
            line = (await asyncio.wait_for(self._process.stderr.readline(), 60)).decode()
            if "DevTools listening on " in line:
                break
            assert line, "Chromium did not start"
        self._drain = asyncio.create_task(self._process.stderr.read())
        self.session = aiohttp.ClientSession()
        self._base = line.partition("ws://")[2].partition("/")[0]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()

    async def page(self, url: str) -> Page:
        """A new tab at ``url``."""
        async with self.session.put(f"http://{self._base}/json/new?about:blank") as answer:
            target = json.loads(await answer.text())
        page = Page(await self.session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0))
        await page.begin(url)
        return page


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked = 0
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Condition()
        self.requests: list[str] = []
        self.console: list[str] = []
        self.beats = 0
        self._screen = pyte.Screen(120, 40)
        self._stream = pyte.ByteStream(self._screen)

    async def begin(self, url: str) -> None:
        """Listen to the tab, then go to ``url``."""
        self._reader = asyncio.create_task(self._read())
        for domain in ("Network", "Page", "Runtime", "Log"):
            await self.ask(f"{domain}.enable")
        await self.ask("Page.navigate", url=url)

    async def ask(self, method: str, **parameters: object) -> Any:
        """One command of the protocol."""
        self._asked += 1
        answer = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": self._asked, "method": method, "params": parameters})
        return await asyncio.wait_for(answer, 60)

    async def _read(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                answer = self._answers.pop(told["id"])
                if "error" in told:
                    answer.set_exception(RuntimeError(told["error"]["message"]))
                else:
                    answer.set_result(told["result"])
            else:
                self._take(told["method"], told["params"])
            async with self._changed:
                self._changed.notify_all()

    def _take(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(told["url"])
        elif method == "Log.entryAdded":
            self.console.append(told["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.console.append(json.dumps(told["exceptionDetails"]))
        elif method == "Network.webSocketFrameSent":
            sent = told["response"]["payloadData"]
            if sent.startswith('["resize"'):
                size = json.loads(sent)[1]
                self._screen.resize(size["height"], size["width"])
        elif method == "Network.webSocketFrameReceived":
            frame = told["response"]
            if frame["opcode"] == 2:
                self._stream.feed(base64.b64decode(frame["payloadData"]))
            elif frame["payloadData"] == '["beat"]':
                self.beats += 1

    @property
    def text(self) -> str:
        """What stands on the terminal."""
        return "\n".join(self._screen.display)

    async def until(self, words: str, limit_s: float = 60) -> str:
        """Wait until the terminal shows ``words``."""
        async with asyncio.timeout(limit_s), self._changed:
            await self._changed.wait_for(lambda: words in self.text)
        return self.text

    async def until_beats(self, more: int, limit_s: float = 60) -> None:
        """Wait for ``more`` beats of the screen."""
        wanted = self.beats + more
        async with asyncio.timeout(limit_s), self._changed:
            await self._changed.wait_for(lambda: self.beats >= wanted)

    async def run(self, script: str) -> Any:
        """Value of an expression in the page; a promise is waited for."""
        answer = await self.ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until_true(self, script: str, limit_s: float = 60) -> None:
        """Wait until an expression of the page is true; the page looks itself."""
        look = (
            "new Promise((done) => { const look = setInterval(() => { if (" + script + ") {"
            " clearInterval(look); done(true); } }, 100); })"
        )
        async with asyncio.timeout(limit_s):
            assert await self.run(look)

    async def press(self, key: str) -> None:
        """One key on the terminal."""
        await self.run("document.querySelector('.xterm-helper-textarea').focus()")
        code = {"Enter": 13, "Escape": 27}.get(key)
        if code is None:
            await self.ask("Input.insertText", text=key)
            return
        for kind in ("rawKeyDown", "keyUp"):
            await self.ask(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, code=key
            )

    async def picture(self) -> bytes:
        """The page as PNG."""
        return base64.b64decode((await self.ask("Page.captureScreenshot"))["data"])

    async def close(self) -> None:
        """Close the tab."""
        with contextlib.suppress(Exception):
            await self.ask("Page.close")
        self._reader.cancel()
        await self._socket.close()
