"""What waits to be sent to one client: the newest status, every event, bounded.

A status, heartbeat or levels may be replaced by a newer one, waves are kept for some seconds;
everything else waits its turn and is never dropped. A client whose queue would outgrow its limit
is let go as a whole: it may attach again and gets the full state.
"""

from __future__ import annotations

from collections import deque

from monitor.link.messages import FromCore, Heartbeat, Levels, Status, Wave

WAVES = 20
"""Waves kept for a slow client, of each session (10 s)."""

LIMIT_BYTES = 16 * 2**20
"""So much may wait for one client."""

VOIDS = 256
"""Replaced frames after which the queue is swept."""


class _Cell:
    __slots__ = ("frame",)

    def __init__(self, frame: bytes) -> None:
        self.frame: bytes | None = frame


class SendQueue:
    """Frames for one client, in order. Not safe for threads by itself.

    Parameters
    ----------
    limit_bytes
        So much may wait.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._cells: deque[_Cell] = deque()
        self._newest: dict[str, _Cell] = {}
        self._waves: dict[str, deque[_Cell]] = {}
        self._limit = limit_bytes
        self._bytes = 0
        self._voids = 0

    @property
    def waiting(self) -> int:
        """Bytes that wait."""
        return self._bytes

    def put(self, message: FromCore, frame: bytes) -> bool:
        """Queue one encoded message; False if the client is too far behind to be kept."""
        cell = _Cell(frame)
        if isinstance(message, Status | Heartbeat | Levels):
            key = message.session if isinstance(message, Status) else type(message).__name__
            if key in self._newest:
                self._void(self._newest[key])
            self._newest[key] = cell
        elif isinstance(message, Wave):
            waves = self._waves.setdefault(message.session, deque())
            if len(waves) >= WAVES:
                self._void(waves.popleft())
            waves.append(cell)
        self._cells.append(cell)
        self._bytes += len(frame)
        if self._voids > VOIDS:
            self._cells = deque(c for c in self._cells if c.frame is not None)
            self._voids = 0
        return self._bytes <= self._limit

    def take(self) -> bytes | None:
        """The next frame, None if nothing waits."""
        while self._cells:
            cell = self._cells.popleft()
            if cell.frame is not None:
                frame, cell.frame = cell.frame, None
                self._bytes -= len(frame)
                return frame
            self._voids = max(0, self._voids - 1)
        return None

    def _void(self, cell: _Cell) -> None:
        if cell.frame is not None:
            self._bytes -= len(cell.frame)
            cell.frame = None
            self._voids += 1
