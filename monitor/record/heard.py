"""The sound of a session at 2 kHz on its own index, lost stretches NaN.

Read again from the audio file through the same chain as live sound (20–400 Hz, spike-free): so
no speech gets into a report or an export, and index n is sample n. A file that was played whole
lies on the index as it is; a recording of what a device delivered lacks what was lost, and is
cut apart at each gap.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dsp.chain import Chain
from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.errors import InputError
from monitor.record.export.model import Record
from monitor.text import clean

TOLERANCE = RATE_HZ // 2
"""Samples by which file and events may differ: a step, at the end of a recording."""

BLOCK_S = 30


class _Reader(Protocol):
    samplerate: int
    channels: int
    frames: int

    def read(
        self, frames: int = ..., dtype: str = ..., always_2d: bool = ...
    ) -> NDArray[np.float32]: ...


def load(record: Record) -> NDArray[np.float32] | None:
    """Return the filtered sound of a record, or None where it has none.

    Returns
    -------
    float32 [record.length]
        Full scale ±1, NaN in gaps.

    Raises
    ------
    InputError
        If the file is not sound, or not the sound of these events.
    """
    if record.sound is None:
        return None
    import soundfile

    name = clean(str(record.sound), 200)
    try:
        with soundfile.SoundFile(record.sound) as file:
            return _placed(record, file, name)
    except (OSError, soundfile.LibsndfileError) as error:
        raise InputError(f"{name} cannot be read as sound: {clean(str(error), 160)}") from error


def _placed(record: Record, file: _Reader, name: str) -> NDArray[np.float32]:
    length = record.length
    whole = -(-file.frames * RATE_HZ // file.samplerate)
    gaps = sorted(record.of(ev.Gap), key=lambda gap: gap.start)
    delivered = length - record.lost()
    if min(abs(whole - length), abs(whole - delivered)) > TOLERANCE:
        raise InputError(
            f"{name} lasts {whole / RATE_HZ:.1f} s, the events {length / RATE_HZ:.1f} s",
            "give the sound that these events were found in",
        )
    with_gaps = abs(whole - length) <= abs(whole - delivered)
    pieces = [(0, length)] if with_gaps else _between(gaps, length)
    sound = np.full(length, np.nan, np.float32)
    for number, (start, stop) in enumerate(pieces):
        last = number + 1 == len(pieces)
        frames = file.frames if last else round((stop - start) * file.samplerate / RATE_HZ)
        part = _filtered(file, frames, _channel(record, file.channels))[: stop - start]
        sound[start : start + part.size] = part
    for gap in gaps:
        sound[gap.start : gap.start + gap.length] = np.nan
    return sound


def _between(gaps: list[ev.Gap], length: int) -> list[tuple[int, int]]:
    """Stretches (start, stop) that were delivered."""
    edges = [0, *(edge for gap in gaps for edge in (gap.start, gap.start + gap.length)), length]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def _channel(record: Record, channels: int) -> int | None:
    """The channel that was analysed, counted from 0; None for the mean of all."""
    chosen = record.session.settings.get("analysis.channel", 0)
    if isinstance(chosen, int) and 1 <= chosen <= channels:
        return chosen - 1
    return None


def _filtered(file: _Reader, frames: int, channel: int | None) -> NDArray[np.float32]:
    chain = Chain(file.samplerate, file.channels, channel)
    out: list[NDArray[np.float32]] = []
    while frames > 0:
        block = file.read(min(frames, BLOCK_S * file.samplerate), "float32", always_2d=True)
        if not len(block):
            break
        frames -= len(block)
        out.append(chain.push(np.nan_to_num(block)).astype(np.float32))
    out.append(chain.flush().astype(np.float32))
    return np.concatenate(out)
