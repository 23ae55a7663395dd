"""Listens, and serves the page to at most two browsers at a time.

The server knows the core's socket and nothing else of the product. It may die without the core
noticing; so may any browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from pathlib import Path

import textual_serve
from aiohttp import web

from monitor.errors import ApexbeatError
from monitor.web import window
from monitor.web.guard import CLIENTS, Guard, OneLine
from monitor.web.job import Serving, WebJob

PAGE = files("monitor.web") / "page"
TERMINAL = Path(textual_serve.__file__).parent / "static"
"""xterm.js with its style and font, as textual-serve brings them."""
FONT_PX = (8, 40)
FULL = f"{CLIENTS} browsers are open already; close one of them.\n"


class Pages:
    """The web application of one core."""

    def __init__(self, job: WebJob) -> None:
        self._job = job
        self.guard = Guard(job.host)
        self._open = 0
        self._leaving: set[asyncio.Future[None]] = set()
        self.app = web.Application(middlewares=[self.guard.middleware])
        self.app.on_response_prepare.append(self.guard.sign)
        home = self.guard.home
        self.app.add_routes(
            [
                web.get(home, self._index),
                web.get(f"{home}ws", self._socket),
                web.get(f"{home}page.css", self._file("page.css", "text/css")),
                web.get(f"{home}page.js", self._file("page.js", "text/javascript")),
                web.static(f"{home}static", TERMINAL),
            ]
        )

    def _file(self, name: str, kind: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        text = (PAGE / name).read_text(encoding="utf-8")

        async def answer(_request: web.Request) -> web.StreamResponse:
            return web.Response(text=text, content_type=kind)

        return answer

    async def _index(self, request: web.Request) -> web.Response:
        if self._open >= CLIENTS:
            return web.Response(status=503, text=FULL)
        try:
            asked = int(request.query.get("fontsize", "16"))
        except ValueError:
            asked = 16
        text = (PAGE / "index.html").read_text(encoding="utf-8")
        text = text.replace("{font}", str(max(FONT_PX[0], min(asked, FONT_PX[1]))))
        text = text.replace(
            "{socket}", escape(f"ws://{request.headers['Host']}{self.guard.home}ws")
        )
        return web.Response(text=text, content_type="text/html")

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self._open >= CLIENTS:
            return web.Response(status=503, text=FULL)
        self._open += 1
        try:
            address, control = Path(self._job.address), self._job.control
            return await window.run(request, address, control, self._see_out)
        finally:
            self._open -= 1

    def _see_out(self, end: Awaitable[None]) -> None:
        """A browser may come again while the process of its last screen is still leaving."""
        task = asyncio.ensure_future(end)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def close(self) -> None:
        """Wait until every process of a screen is gone."""
        await asyncio.gather(*self._leaving, return_exceptions=True)


async def serve(
    job: WebJob, ready: Callable[[Serving], None], over: asyncio.Event | None = None
) -> None:
    """Serve until ``over`` is set, or SIGINT or SIGTERM comes.

    Parameters
    ----------
    ready
        Called with the link once browsers can come.

    Raises
    ------
    ApexbeatError
        Where the port cannot be had.
    """
    over = over or asyncio.Event()
    pages = Pages(job)
    log = logging.getLogger("apexbeat.web.server")
    log.addFilter(OneLine())
    runner = web.AppRunner(pages.app, access_log=None, logger=log, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, job.host, job.port)
        try:
            await site.start()
        except OSError as error:
            raise ApexbeatError(
                f"--web {job.host}:{job.port}: {error.strerror or error}", "name another port"
            ) from None
        port = int(runner.addresses[0][1])
        pages.guard.port = port
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError):  # not the main thread
                loop.add_signal_handler(number, over.set)
        host = f"[{job.host}]" if ":" in job.host else job.host
        ready(Serving(url=f"http://{host}:{port}/?token={pages.guard.token}"))
        await over.wait()
    finally:
        await runner.cleanup()
        await pages.close()
