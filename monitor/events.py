"""What every room speaks: the inputs of a pipeline, its events, and what it gives out.

Events are the lines of the event file, version 1 (JSON lines). ``index`` is the absolute sample
at 2 kHz of the end of the step at which a line became certain, never the onset it speaks of.
Inputs are what a source, a screen or the passing of time puts into a pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1
RATE_HZ = 2000
"""Rate of every index in samples: that of the signal chain (`dsp.stage.RATE_HZ`), which screens and
other light processes do not load."""

IN_NOISE = "most in noise"
"""Said in the evidence of a verdict most of whose windows are noisy; a heart was heard in them."""

QualityValue = Literal["flat", "clipped", "noisy", "no_heart", "good"]
HeartValue = Literal["heard", "uncertain", "absent", "no_sound"]
VerdictValue = Literal["normal", "abnormal", "unsure", "none"]
Priority = Literal["low", "medium", "high"]
AlarmState = Literal[
    "inactive", "pending", "active", "acknowledged", "latched", "interrupted", "suspended"
]

# ---------------------------------------------------------------- inputs


class Block(msgspec.Struct, frozen=True):
    """Sound as it came from a source.

    Attributes
    ----------
    samples
        float32, shape [n, channels], full scale ±1.
    rate_hz
        The device's rate.
    index
        Frames of the source before this block, at ``rate_hz``, delivered ones only.
    flags
        What the device said of it ("input_overflow", ...).
    """

    samples: NDArray[np.float32]
    rate_hz: int
    index: int
    flags: tuple[str, ...] = ()


class Lost(msgspec.Struct, frozen=True, tag_field="input", tag="lost"):
    """Sound that never came; the event of it is `Gap`.

    ``length`` and ``uncertainty`` are in samples at 2 kHz, and ``start`` is the absolute index.
    """

    start: int
    length: int
    uncertainty: int
    reason: str


class Command(msgspec.Struct, frozen=True, tag_field="input", tag="command"):
    """What a person asked for, with the index (2 kHz) from which it takes effect.

    ``acknowledge`` takes ``alarm`` (a kind, or None for all), ``pause_audio`` takes ``seconds``
    (0 ends the pause), ``mark`` takes ``note``, ``limits`` takes ``limits`` (name → value) and
    ``profile``, ``switch`` takes ``alarm`` and, to switch it off, a reason as ``note``.
    """

    kind: Literal["acknowledge", "pause_audio", "mark", "limits", "switch"]
    index: int
    alarm: str | None = None
    seconds: float | None = None
    note: str | None = None
    limits: dict[str, float] = {}
    profile: str = ""


class Idle(msgspec.Struct, frozen=True, tag_field="input", tag="idle"):
    """No samples came for ``seconds`` more."""

    seconds: float


class Condition(msgspec.Struct, frozen=True, tag_field="input", tag="condition"):
    """A technical state that capture, record or the model reports (``cannot_record`` ...)."""

    kind: str
    present: bool
    evidence: str


Input = Block | Lost | Command | Idle | Condition

# ---------------------------------------------------------------- events


class _Line(msgspec.Struct, frozen=True, tag_field="type", kw_only=True, gc=False):
    index: int


class Session(_Line, tag="session", frozen=True, kw_only=True):
    """First line of an event file."""

    schema: int
    software: str
    models: dict[str, str]
    settings: dict[str, str | int | float | bool | None]
    name: str
    rate: int
    channels: int


class Gap(_Line, tag="gap", frozen=True, kw_only=True):
    """Sound that was lost; samples at 2 kHz."""

    start: int
    length: int
    uncertainty: int
    reason: str


class Fault(_Line, tag="fault", frozen=True, kw_only=True):
    """Something in the machine or in the samples went wrong."""

    what: str


class Quality(_Line, tag="quality", frozen=True, kw_only=True):
    """Signal quality, on change."""

    value: QualityValue
    reason: str


class Heart(_Line, tag="heart", frozen=True, kw_only=True):
    """Whether a heart is being heard, on change; ``reason`` in words."""

    value: HeartValue
    reason: str


class Pause(_Line, tag="pause", frozen=True, kw_only=True):
    """No beat from the S1 at ``start`` for ``length`` samples at 2 kHz, between heard beats."""

    start: int
    length: int


class Beat(_Line, tag="beat", frozen=True, kw_only=True):
    """One heart cycle: onsets in samples at 2 kHz, None where unknown."""

    s1: int | None
    systole: int | None
    s2: int | None
    diastole: int | None
    end: int | None
    confidence: float

    @property
    def onset(self) -> int:
        """The first boundary that is known."""
        known = (self.s1, self.systole, self.s2, self.diastole, self.end)
        return next((at for at in known if at is not None), self.index)


class Window(_Line, tag="window", frozen=True, kw_only=True):
    """One 2.5 s window: its start (an S1), p(abnormal) at equal priors, and whether it counts."""

    start: int
    p: float | None
    used: bool
    reason: str | None


class Vitals(_Line, tag="vitals", frozen=True, kw_only=True):
    """Each second: rate in 1/min, robust spread of the cycle length (share), intervals in ms.

    ``other``: half or double of the rate, where it is not known which is right.
    """

    rate: float | None
    spread: float | None
    systole_ms: float | None
    diastole_ms: float | None
    other: float | None = None


class Verdict(_Line, tag="verdict", frozen=True, kw_only=True):
    """Judgement of the last good windows, on change; before the end that of the whole record.

    ``reason`` is its evidence in words, ``record`` marks the last one; older files have neither.
    """

    value: VerdictValue
    p: float | None
    windows: int
    age_s: float | None
    reason: str = ""
    record: bool = False


class Mark(_Line, tag="mark", frozen=True, kw_only=True):
    """A person marked this moment."""

    note: str


class Alarm(_Line, tag="alarm", frozen=True, kw_only=True):
    """One transition of one alarm."""

    kind: str
    priority: Priority
    state: AlarmState
    evidence: str


class End(_Line, tag="end", frozen=True, kw_only=True):
    """Last line: how many lines of each type, and whether the source was read to its end."""

    counts: dict[str, int]
    complete: bool


Event = (
    Session
    | Gap
    | Fault
    | Quality
    | Heart
    | Pause
    | Beat
    | Window
    | Vitals
    | Verdict
    | Mark
    | Alarm
    | End
)

ORDER = (Gap, Fault, Quality, Heart, Beat, Pause, Window, Vitals, Verdict, Mark, Alarm)
"""Order of lines within one step."""


# ---------------------------------------------------------------- output


class WaveformChunk(msgspec.Struct, frozen=True):
    """A tap for screens: the filtered sound of one step.

    Attributes
    ----------
    start
        Absolute index of the first sample.
    samples
        float32 [n] at 2 kHz, filtered.
    level_db
        Peak of the raw input over the step in dB full scale, NaN where nothing came.
    clipped
        Samples at full scale in the step.
    """

    start: int
    samples: NDArray[np.float32]
    level_db: float
    clipped: int


def sound_of(
    chunks: Sequence[WaveformChunk], start: int = 0, most: int | None = None
) -> NDArray[np.float32]:
    """Sound of steps in order, each at its index; NaN where sound was lost between them.

    Parameters
    ----------
    chunks
        Of one stream, in order.
    start
        Absolute index of the first sample of the result.
    most
        Samples beyond which it is cut off, for a gap may be long.
    """
    end = max((one.start + len(one.samples) for one in chunks), default=start)
    sound = np.full(end - start if most is None else min(end - start, most), np.nan, np.float32)
    for one in chunks:
        at = one.start - start
        place = sound[at : at + len(one.samples)]
        place[:] = one.samples[: len(place)]
    return sound


class Output(msgspec.Struct, frozen=True):
    """What a pipeline gives out for one input: events in order, and the pictures of its steps."""

    events: tuple[Event, ...] = ()
    pictures: tuple[WaveformChunk, ...] = ()
