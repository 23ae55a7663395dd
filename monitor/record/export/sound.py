"""WAV or FLAC: the sound of a session, or else the clips kept around its alarms.

Filtered sound (20–400 Hz), at 8 kHz because browsers and phones play nothing slower, at the level
at which it was heard. Lost stretches are silence: a second of the file is one of the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray
from scipy.signal import resample_poly

from dsp.stage import RATE_HZ
from monitor.errors import InputError
from monitor.record import session_sound as heard
from monitor.record.clips import kept_clips
from monitor.record.export.model import Record
from monitor.system.atomic_write import staging

EXPORT_HZ = 8000
BLOCK = 60 * RATE_HZ
MARGIN = RATE_HZ
"""Samples around a block that the filter of the resampling may see."""


def write(record: Record, kind: str, folder: Path, stem: str, overwrite: bool) -> list[Path]:
    """Write ``STEM.wav`` (or ``.flac``), or one file for each clip; return the files.

    Raises
    ------
    InputError
        If there is neither sound nor clip.
    UsageError, RecordError
        If a file exists, or cannot be written.
    """
    whole = heard.load(record)
    if whole is not None:
        sounds = {f"{stem}.{kind}": whole}
    elif record.clips is not None:
        clips = kept_clips(record.clips)
        sounds = {f"{stem}.{one.path.stem}.{kind}": one.read() for one in clips}
    else:
        sounds = {}
    if not sounds:
        raise InputError(
            f"{record.session.name}: neither its sound nor clips of alarms were kept",
            "give the sound with --audio",
        )
    with staging(folder, list(sounds), overwrite) as stage:
        for name, sound in sounds.items():
            with sf.SoundFile(stage / name, "w", EXPORT_HZ, 1, "PCM_24") as file:
                for block in _blocks(np.nan_to_num(sound)):
                    file.write(block)
    return [folder / name for name in sounds]


def _blocks(sound: NDArray[np.float32]) -> Iterator[NDArray[np.float64]]:
    """The sound at `EXPORT_HZ`, piece by piece."""
    up = EXPORT_HZ // RATE_HZ
    for start in range(0, sound.size, BLOCK):
        first, last = max(0, start - MARGIN), min(sound.size, start + BLOCK + MARGIN)
        part = resample_poly(sound[first:last].astype(np.float64), up, 1)
        yield np.clip(part[(start - first) * up :][: min(BLOCK, sound.size - start) * up], -1, 1)
