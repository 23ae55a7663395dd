"""The sound of a session at 2 kHz on its own index, lost stretches NaN.

Read again from the audio file through the same chain as live sound (20–400 Hz, spike-free): so
no speech gets into a report or an export, and index n is sample n. A file that was played whole
lies on the index as it is; a recording of what a device delivered lacks what was lost, and is
cut apart at each gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dsp.chain import Chain
from dsp.ecg import Reference, compare
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import heard
from monitor.errors import InputError
from monitor.record.export.model import Record
from monitor.text import clean

if TYPE_CHECKING:
    from monitor.sessionfolder.pieces import Sound

TOLERANCE = RATE_HZ // 2
"""Samples by which file and events may differ: a step, at the end of a recording."""

BLOCK_S = 30


def load(record: Record) -> NDArray[np.float32] | None:
    """Return the filtered sound of a record, or None where it has none.

    Returns
    -------
    float32 [record.length]
        Full scale ±1, NaN in gaps and where there is no sound.

    Raises
    ------
    InputError
        If the file is not sound, or not the sound of these events.
    """
    if record.sound is None:
        return None
    from monitor.sessionfolder.pieces import open_sound

    start_s, length_s = _part(record)
    with open_sound(record.sound, start_s, length_s) as sound:
        return _placed(record, sound, clean(str(record.sound), 200))


def _placed(record: Record, file: Sound, name: str) -> NDArray[np.float32]:
    first, length = min(file.first, record.length), record.length
    gaps = [(max(a, first), b) for a, b in _gaps(record) if b > first]
    total = file.frames()
    whole = -(-total * RATE_HZ // file.rate_hz)
    delivered = length - first - sum(b - a for a, b in gaps)
    away, away_cut = abs(whole - (length - first)), abs(whole - delivered)
    if not file.whole and min(away, away_cut) > TOLERANCE:
        raise InputError(
            f"{name} lasts {whole / RATE_HZ:.1f} s, the events {length / RATE_HZ:.1f} s",
            "give the sound that these events were found in",
        )
    uncut = away <= away_cut and not file.whole
    pieces = [(first, length)] if uncut else heard(first, length, gaps)
    sound = np.full(length, np.nan, np.float32)
    for number, (start, stop) in enumerate(pieces):
        last = number + 1 == len(pieces)
        frames = total if last else round((stop - start) * file.rate_hz / RATE_HZ)
        part = _filtered(file, frames, _channel(record, file.channels))[: stop - start]
        sound[start : start + part.size] = part
    for start, stop in gaps:
        sound[start:stop] = np.nan
    return sound


def _part(record: Record) -> tuple[float, float | None]:
    """Which part of the file was heard."""
    told = record.session.settings
    start_s, length_s = told.get("part.start_s", 0.0), told.get("part.length_s")
    return (
        float(start_s) if isinstance(start_s, int | float) else 0.0,
        float(length_s) if isinstance(length_s, int | float) else None,
    )


def reference(record: Record) -> Reference | None:
    """Lay the heart sounds beside an electrocardiogram in the same file; None without one.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    if record.sound is None or record.sound.is_dir():
        return None
    from monitor.decoding.reference import ecg_of

    waves = ecg_of(record.sound)
    if waves is None:
        return None
    start = round(_part(record)[0] * RATE_HZ)
    inside = [wave - start for wave in waves if 0 <= wave - start < record.length]
    return compare(inside, [beat.s1 for beat in record.of(ev.Beat) if beat.s1 is not None])


def _gaps(record: Record) -> list[tuple[int, int]]:
    """Lost stretches (start, stop) in order."""
    return sorted((gap.start, gap.start + gap.length) for gap in record.of(ev.Gap))


def _channel(record: Record, channels: int) -> int | None:
    """The channel that was analysed, counted from 0; None for the mean of all."""
    chosen = record.session.settings.get("analysis.channel", 0)
    if isinstance(chosen, int) and 1 <= chosen <= channels:
        return chosen - 1
    return None


def _filtered(file: Sound, frames: int, channel: int | None) -> NDArray[np.float32]:
    chain = Chain(file.rate_hz, file.channels, channel)
    out: list[NDArray[np.float32]] = []
    while frames > 0:
        block = file.read(min(frames, BLOCK_S * file.rate_hz))
        if not len(block):
            break
        frames -= len(block)
        out.append(chain.push(np.nan_to_num(block)).astype(np.float32))
    out.append(chain.flush().astype(np.float32))
    return np.concatenate(out)
