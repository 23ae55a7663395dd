"""The supervisor's word to systemd: it is ready, it is alive, it stops.

The protocol of sd_notify(3): one datagram to the socket named in ``NOTIFY_SOCKET``. Without one
nothing is said. A unit with ``WatchdogSec=`` is started again by systemd when it falls silent.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping

from monitor.clock import Clock


class Watchdog:
    """Says it, where somebody listens.

    Parameters
    ----------
    environment
        ``NOTIFY_SOCKET`` and ``WATCHDOG_USEC`` are taken out of it: they are not for children.
    """

    def __init__(self, clock: Clock, environment: MutableMapping[str, str] = os.environ) -> None:
        self._clock = clock
        name = environment.pop("NOTIFY_SOCKET", "")
        limit = environment.pop("WATCHDOG_USEC", "")
        owner = environment.pop("WATCHDOG_PID", "")
        mine = owner in ("", str(os.getpid()))
        self._period_s = int(limit) / 3e6 if limit.isdigit() and mine else None
        self._said_s = float("-inf")
        self._socket: socket.socket | None = None
        if name and hasattr(socket, "AF_UNIX"):
            self._address = "\0" + name[1:] if name.startswith("@") else name
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)

    def ready(self, words: str) -> None:
        """Monitoring has begun."""
        self._say(f"READY=1\nSTATUS={words}")

    def alive(self) -> None:
        """Say that the loop goes round, as often as is asked for."""
        now_s = self._clock.monotonic()
        if self._period_s is not None and now_s - self._said_s >= self._period_s:
            self._said_s = now_s
            self._say("WATCHDOG=1")

    def close(self) -> None:
        """The end, in order."""
        self._say("STOPPING=1")
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, text: str) -> None:
        if self._socket is not None:
            # A full socket means that systemd is busy, not that we are dead: the next word counts.
            with contextlib.suppress(OSError):
                self._socket.sendto(text.encode(), self._address)
