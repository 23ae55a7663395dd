"""A scripted core with its web server, in the loop of a test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from scene_core import FakeCore
from scenes import scene

from monitor.web.job import Serving, WebJob
from monitor.web.server import serve


@dataclass
class Served:
    """What a test needs of both."""

    core: FakeCore
    url: str

    @property
    def base(self) -> str:
        """The link without its token."""
        return self.url.partition("?")[0]

    @property
    def token(self) -> str:
        """The token alone."""
        return self.url.partition("=")[2]


async def home_of(page: Served, client: aiohttp.ClientSession) -> str:
    """Come in by the link; address of the page, with a ``/`` at its end."""
    async with client.get(page.url) as answer:
        assert answer.status == 200
        return page.base + (await answer.text()).partition("url=/")[2].partition('"')[0]


@contextlib.asynccontextmanager
async def served(folder: Path, *, control: bool = False) -> AsyncIterator[Served]:
    """A core that lives at the pace of life, and the page of it."""
    core = FakeCore(scene("alarm"))
    address = folder / "core.sock"
    await core.start(address)
    told: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()
    job = WebJob(address=str(address), control=control)
    web = asyncio.create_task(serve(job, told.set_result, over))

    async def live() -> None:
        while True:
            await asyncio.sleep(0.5)
            core.step()

    life = asyncio.create_task(live())
    try:
        yield Served(core, (await told).url)
    finally:
        life.cancel()
        over.set()
        await web
        await core.stop()
