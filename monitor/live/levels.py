"""Levels of all devices for screens that choose one: a meter that runs while somebody looks.

The meter is a process (see `monitor.capture.meter`); what it says is read on a thread here and
sent on. Devices that are monitored are left alone: their level stands in their session's status.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import msgspec

from monitor.capture.levels import LevelMeter
from monitor.errors import DeviceError
from monitor.link.messages import DeviceLevel, Levels

READ_S = 0.5


class LevelWatch:
    """Sends `Levels` to every client that asked, until it takes that back or is gone.

    Parameters
    ----------
    send
        Sends to one client; callable from any thread.
    monitored
        Identities of devices that must not be opened.
    """

    def __init__(
        self,
        send: Callable[[int, Levels], None],
        monitored: Callable[[], Sequence[str]],
        meter: Callable[[Sequence[str]], LevelMeter] = LevelMeter,
    ) -> None:
        self._send, self._monitored, self._make = send, monitored, meter
        self._clients: frozenset[int] = frozenset()
        self._over: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def want(self, client: int, on: bool) -> None:
        """A client begins or ends to look. Call from one thread only."""
        self._clients = self._clients | {client} if on else self._clients - {client}
        if self._clients and self._over is None:
            self._over = threading.Event()
            skip = list(self._monitored())
            self._thread = threading.Thread(
                target=self._run, args=(skip, self._over), name="levels", daemon=True
            )
            self._thread.start()
        elif not self._clients and self._over is not None:
            self._over.set()
            self._over = None

    def close(self) -> Callable[[float], None]:
        """Nobody looks any more; what it returns waits until the devices are let go."""
        for client in self._clients:
            self.want(client, False)
        thread = self._thread
        return lambda limit_s: None if thread is None else thread.join(limit_s)

    def _run(self, skip: list[str], over: threading.Event) -> None:
        with self._make(skip) as meter:
            while not over.is_set():
                try:
                    found = meter.read(READ_S)
                except DeviceError as error:
                    self._tell(Levels(devices=[], trouble=str(error)))
                    continue
                if found is not None:
                    told = [DeviceLevel(**msgspec.structs.asdict(level)) for level in found]
                    self._tell(Levels(devices=told))

    def _tell(self, levels: Levels) -> None:
        for client in self._clients:
            self._send(client, levels)
