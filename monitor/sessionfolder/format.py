"""A session folder: everything that a pipeline was given, so that it can be given again.

    session.json      `FolderInfo`
    inputs.jsonl      one line for each input in order; runs of sound are counted, in frames
    sound/NNNNNN.*    the sound itself: 60 s each, WAV while it is written, FLAC after
    events.jsonl      what the live pipeline said (event file, version 1)
    anchors.jsonl     index and clocks

Written by `writer`, read by `reader` and `pieces`. Sound is int16 as the device gave it.
"""

from __future__ import annotations

import msgspec

from monitor import events as ev
from monitor.config.load import Settings

VERSION = 1
INFO = "session.json"
INPUTS = "inputs.jsonl"
EVENTS = "events.jsonl"
ANCHORS = "anchors.jsonl"
SOUND = "sound"

FULL_SCALE = 32768.0
HEADER = 44
"""Bytes before the samples of a WAV segment."""


class FolderInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a replay must know before the first input."""

    version: int
    session: str
    name: str
    source: str
    device: str
    rate_hz: int
    channels: int
    software: str
    models: dict[str, str]
    settings: Settings
    started: float
    index: int = 0
    """Absolute index of the first sample; not 0 where a core went on after another."""
    board: str | None = None
    """The alarms that it went on with."""
    whole: bool = True
    """False where the recording began while the session ran: a replay of it does not know what
    came before, and says the same only after a while."""


class Sound(msgspec.Struct, frozen=True, tag_field="input", tag="sound"):
    """``frames`` more of the sound."""

    frames: int
    flags: list[str] = []


class End(msgspec.Struct, frozen=True, tag_field="input", tag="end"):
    """The session ended in order."""

    complete: bool


Line = Sound | ev.Lost | ev.Command | ev.Idle | ev.Condition | End
