"""A screen's end of the link: blocking, for one thread.

with Client.connect(address, "screen", waves=True) as client:
    while (message := client.receive(0.5)) is not None: ...
    client.request(session, "acknowledge", alarm="tachycardia")
"""

from __future__ import annotations

import select
import socket
from collections import deque
from pathlib import Path
from typing import Self

from monitor.clock import Clock, SystemClock
from monitor.errors import InputError
from monitor.link import address as where
from monitor.link.frames import Decoder, LinkError, encode
from monitor.link.messages import LINK_VERSION, Attach, FromCore, FromScreen, Reply
from monitor.link.requests import request
from monitor.system.closing import Closing

SEND_S = 2.0


class Gone(Exception):
    """The core closed the link, or died."""


def readable(file: socket.socket, timeout_s: float) -> bool:
    """Wait until there is something to read; also for a descriptor beyond 1024."""
    if hasattr(select, "poll"):
        waiting = select.poll()
        waiting.register(file, select.POLLIN)
        return bool(waiting.poll(timeout_s * 1000))
    return bool(select.select([file], [], [], timeout_s)[0])


class Client(Closing):
    """One connection to a core. ``fileno`` lets it stand in a selector."""

    def __init__(self, peer: socket.socket, clock: Clock) -> None:
        self._peer = peer
        self._clock = clock
        self._decoder: Decoder[FromCore] = Decoder(FromCore)
        self._ready: deque[FromCore] = deque()
        self._requests = 0
        peer.settimeout(SEND_S)

    @classmethod
    def connect(cls, address: Path, name: str, waves: bool, clock: Clock | None = None) -> Self:
        """Connect and attach.

        Raises
        ------
        InputError
            If no core listens there, or another user's.
        """
        try:
            peer = where.connect(address)
        except PermissionError:
            raise InputError(
                f"{address}: the core belongs to another user", "attach as the user who started it"
            ) from None
        except OSError as error:
            known = isinstance(error, FileNotFoundError | ConnectionRefusedError)
            reason = "" if known else f" ({error.strerror or error})"
            raise InputError(
                f"no monitor is running on this store{reason}", "start one with 'apexbeat live'"
            ) from None
        client = cls(peer, clock or SystemClock())
        try:
            client.send(Attach(link=LINK_VERSION, client=name, waves=waves))
        except Gone as error:
            client.close()
            raise InputError(f"the core at {address} does not let us in ({error})") from None
        return client

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._peer.fileno()

    def send(self, message: FromScreen) -> None:
        """Send one message.

        Raises
        ------
        Gone
            If the core is.
        """
        try:
            self._peer.sendall(encode(message))
        except OSError as error:
            raise Gone(str(error)) from None

    def send_now(self, message: FromScreen) -> bool:
        """Send one message without waiting; False if the core does not read just now.

        Raises
        ------
        Gone
            If the core is.
        """
        frame = encode(message)
        self._peer.setblocking(False)
        try:
            sent = self._peer.send(frame)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Gone(str(error)) from None
        finally:
            self._peer.settimeout(SEND_S)
        if sent < len(frame):
            raise Gone("the core reads too slowly")  # what follows would be no message
        return True

    def request(self, session: str, what: str, **fields: object) -> int:
        """Ask for something; return the id that the `Reply` will carry."""
        self._requests += 1
        self.send(request(what, id=self._requests, session=session, **fields))
        return self._requests

    def receive(self, timeout_s: float) -> FromCore | None:
        """The next message, None if none came in time.

        Raises
        ------
        Gone
            If the core closed the link or speaks another language.
        """
        deadline = self._clock.monotonic() + timeout_s
        while not self._ready:
            left = max(0.0, deadline - self._clock.monotonic())
            if not readable(self._peer, left):
                return None
            try:
                data = self._peer.recv(65536)
            except OSError as error:
                raise Gone(str(error)) from None
            if not data:
                raise Gone("the core closed the link")
            try:
                self._ready.extend(self._decoder.feed(data))
            except LinkError as error:
                raise Gone(f"not a core of this version: {error}") from None
        return self._ready.popleft()

    def answer(self, request: int, timeout_s: float) -> Reply | None:
        """Read on until the reply to ``request``; other messages are let go."""
        deadline = self._clock.monotonic() + timeout_s
        while (left := deadline - self._clock.monotonic()) > 0:
            message = self.receive(left)
            if isinstance(message, Reply) and message.id == request:
                return message
        return None

    def close(self) -> None:
        self._peer.close()
