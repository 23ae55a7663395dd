"""A session folder: everything that a pipeline was given, so that it can be given again.

    session.json      `FolderInfo`
    inputs.jsonl      one line for each input in order; runs of sound are counted, in frames
    sound/NNNNNN.*    the sound itself: 60 s each, WAV while it is written, FLAC after
    events.jsonl      what the live pipeline said (event file, version 1)
    anchors.jsonl     index and clocks

Written by `writer`, read by `reader` and `pieces`. Sound is int16 as the device gave it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor import events as ev
from monitor.config.load import Settings, check
from monitor.decoding.decoder import MAX_CHANNELS, RATES_HZ
from monitor.errors import InputError, UsageError
from monitor.regular_file import read_regular

VERSION = 1
INFO = "session.json"
INPUTS = "inputs.jsonl"
EVENTS = "events.jsonl"
ANCHORS = "anchors.jsonl"
SOUND = "sound"

FULL_SCALE = 32768.0
HEADER = 44
"""Bytes before the samples of a WAV segment."""


MAX_S = 10 * 366 * 86_400
"""Ten years, the longest session and the longest gap, s."""

MAX_INDEX = MAX_S * ev.RATE_HZ

LONGEST_INFO, LONGEST_LINE = 2**20, 2**20
"""Bytes."""


class FolderInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a replay must know before the first input."""

    version: int
    session: str
    name: str
    source: str
    device: str
    rate_hz: Annotated[int, Meta(ge=RATES_HZ[0], le=RATES_HZ[1])]
    channels: Annotated[int, Meta(ge=1, le=MAX_CHANNELS)]
    software: str
    models: dict[str, str]
    settings: Settings
    started: float
    index: Annotated[int, Meta(ge=0, le=MAX_INDEX)] = 0
    """Absolute index of the first sample; not 0 where a core went on after another."""
    board: str | None = None
    """The alarms that it went on with."""
    whole: bool = True
    """False where the recording began while the session ran: a replay of it does not know what
    came before, and says the same only after a while."""


class Sound(msgspec.Struct, frozen=True, tag_field="input", tag="sound"):
    """``frames`` more of the sound."""

    frames: Annotated[int, Meta(ge=0, le=MAX_S * RATES_HZ[1])]
    flags: list[str] = []


class End(msgspec.Struct, frozen=True, tag_field="input", tag="end"):
    """The session ended in order."""

    complete: bool


Line = Sound | ev.Lost | ev.Command | ev.Idle | ev.Condition | End


def read_info(folder: Path) -> FolderInfo:
    """Read what a session was recorded with, and check it.

    Raises
    ------
    InputError
        If it is no session folder of this version, or a value is out of its bounds.
    """
    path = folder / INFO
    try:
        info = msgspec.json.decode(read_regular(path, LONGEST_INFO), type=FolderInfo)
        check(info.settings)
    except OSError as error:
        raise InputError(f"{folder}: not a session folder ({error.strerror})") from None
    except (msgspec.DecodeError, UsageError, RecursionError) as error:
        raise InputError(f"{path}: {error}") from None
    if info.version != VERSION:
        raise InputError(f"{folder}: recorded by another version", "update Apexbeat")
    return info
