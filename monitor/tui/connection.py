"""The screen's end of the link: connects, says who it is, reads, and comes back by itself.

`monitor.link.client` is for one thread that may wait; a screen may not, so this one speaks the
same frames in the event loop of the screen. Nothing here can hold up the core, which drops what a
slow reader does not take. ``deliver`` gets each message, ``note`` each change of the connection
(connected, attempts so far, one line of trouble).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from monitor.link import address as where
from monitor.link import messages as ms
from monitor.link import requests as rq
from monitor.link.frames import Decoder, LinkError, encode

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.0

Deliver = Callable[[ms.FromCore], None]
Note = Callable[[bool, int, str], None]


class Connection:
    """One socket at a time to the core at ``address``."""

    def __init__(self, address: Path, client: str = "screen") -> None:
        self._address = address
        self._client = client
        self._writer: asyncio.StreamWriter | None = None

    async def run(self, deliver: Deliver, note: Note) -> None:
        """Read until cancelled; after each loss try again, at most a second apart."""
        attempts = 0
        wait = FIRST_WAIT_S
        while True:
            try:
                # Connecting may wait for a core that hangs, so it gets a thread.
                peer = await asyncio.to_thread(where.connect, self._address)
                peer.setblocking(False)
                reader, self._writer = await asyncio.open_connection(sock=peer)
                self._put(ms.Attach(link=ms.LINK_VERSION, client=self._client, waves=True))
                note(True, attempts, "")
                attempts, wait = 0, FIRST_WAIT_S
                await self._read(reader, deliver)
                trouble = "the core closed the connection"
            except (OSError, LinkError) as error:
                trouble = _words(error)
            finally:
                self._close()
            attempts += 1
            note(False, attempts, trouble)
            await asyncio.sleep(wait)
            wait = min(LONGEST_WAIT_S, wait * 2)

    async def _read(self, reader: asyncio.StreamReader, deliver: Deliver) -> None:
        decoder: Decoder[ms.FromCore] = Decoder(ms.FromCore)
        while data := await reader.read(65536):
            for message in decoder.feed(data):
                deliver(message)

    def send(self, request: rq.AnyRequest) -> bool:
        """Put a request on its way; False where there is no connection."""
        if self._writer is None or self._writer.is_closing():
            return False
        self._put(request)
        return True

    def _put(self, message: ms.FromScreen) -> None:
        assert self._writer is not None
        self._writer.write(encode(message))

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no core is there"
    if isinstance(error, ConnectionRefusedError):
        return "the core is gone"
    if isinstance(error, PermissionError):
        return "the core belongs to another user"
    if isinstance(error, LinkError):
        return f"not a core of this version: {error}"
    return str(error) or type(error).__name__
