"""What is known of the heart at a step, and the pauses between its beats."""

from __future__ import annotations

import msgspec

from monitor.events import HeartValue

LISTENING = "listening"


class Pause(msgspec.Struct, frozen=True, gc=False):
    """No beat from ``start`` for ``length`` samples, between beats; ``clear`` ones of them."""

    start: int
    length: int
    clear: int


class Heart(msgspec.Struct, frozen=True):
    """What is known of the heart at a step.

    Attributes
    ----------
    value, reason
        State and why.
    silence
        Samples of clear sound without a beat since the last beat; None before the first.
    lost
        Whether ``silence`` follows on a heart that was heard.
    known
        Whether a heart was heard before.
    unheard
        Samples since a heart was last heard steadily, waiting included; 0 while it is heard.
    pause
        The last pause, None before the first.
    restarted
        Whether the sound began, or began again after a gap, so shortly before that a heart
        cannot have been heard steadily.
    """

    value: HeartValue = "uncertain"
    reason: str = LISTENING
    silence: int | None = None
    lost: bool = False
    known: bool = False
    unheard: int = 0
    pause: Pause | None = None
    restarted: bool = True
