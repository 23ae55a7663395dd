"""Where inputs come from, in time: one protocol for microphone, file and phantom.

A source yields ``Block``, ``Lost`` and ``Idle`` in the order in which they happen. What comes
after it (session, pipeline) differs in nothing between them. ``paced`` lets a finished recording
pass as slowly as it was recorded, by a clock that is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol, Self

from monitor.clock import Clock
from monitor.events import Block, Idle, Input

SourceKind = Literal["live", "phantom", "replay"]


class Source(Protocol):
    """Blocks and gaps in time.

    Attributes
    ----------
    name
        Base name for people and for the event file; no folder.
    kind
        ``live``, ``phantom`` or ``replay``.
    rate_hz, channels
        Of the blocks that it yields.
    duration_s
        Length of the whole, None where it has no end.
    """

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> SourceKind: ...
    @property
    def rate_hz(self) -> int: ...
    @property
    def channels(self) -> int: ...
    @property
    def duration_s(self) -> float | None: ...

    def __iter__(self) -> Iterator[Input]:
        """Yield inputs in the order in which they happen, until the sound ends."""
        ...

    def close(self) -> None:
        """Let go of device or file; may be called twice."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def paced(source: Source, clock: Clock, speed: float) -> Iterator[Input]:
    """Yield what ``source`` yields, each block not before its last frame would have been heard.

    Parameters
    ----------
    speed
        1.0 is the pace of the recording, 4.0 four times as fast.
    """
    begin = clock.monotonic()
    heard_s = 0.0
    for item in source:
        if isinstance(item, Block):
            heard_s += len(item.samples) / item.rate_hz
        elif isinstance(item, Idle):
            heard_s += item.seconds
        wait = begin + heard_s / speed - clock.monotonic()
        if wait > 0:
            clock.sleep(wait)
        yield item
