"""WFDB: a header, the sound if there is any, and two annotators (PhysioNet's formats).

``.beat``   ``(`` and ``)`` at the begin and end of each S1 and S2, which of them in the note;
            ``~`` at each change of quality and at both ends of a gap.
``.alarm``  ``"`` (a comment) for each transition of an alarm.

A gap is invalid samples (NaN) in the signal and a pair of ``~``, so it survives in every reader.
The bytes are made here: the formats are small, and the package ``wfdb`` (which reads them back in
the tests) brings pandas and Matplotlib. Source: WFDB Applications Guide, annot(5), header(5),
signal(5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.record.export.model import Record
from monitor.text import ascii_text

BEATS = "beat"
ALARMS = "alarm"
NOTE_LIMIT = 250
"""Bytes of a note; the format has room for 255."""

GAIN = 32000.0
"""Units of the 16-bit signal for full scale."""

INVALID = -32768
"""What format 16 has instead of a sample that was lost."""


CODES = {"~": 14, '"': 22, "(": 39, ")": 40}
SKIP, AUX = 59, 63
SHORT_STEP = 1023
"""Samples to the annotation before that fit beside its code."""

LONGEST_SKIP = 2**31 - 1
"""Samples of one skip; at 2 kHz 12 days."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One annotation; ``rank`` orders those of one sample."""

    sample: int
    rank: int
    symbol: str
    text: str


def file_names(stem: str, with_sound: bool) -> list[str]:
    """Names of the files that `write` makes."""
    names = [f"{stem}.hea", f"{stem}.{BEATS}", f"{stem}.{ALARMS}"]
    return [*names, f"{stem}.dat"] if with_sound else names


def write(record: Record, sound: NDArray[np.float32] | None, folder: Path, stem: str) -> None:
    """Write header, signal and annotations into ``folder``.

    Parameters
    ----------
    sound
        float32 [n] at 2 kHz, NaN where lost; None leaves the signal out.
    folder, stem
        Where, and the name of the WFDB record (letters, digits, ``-``, ``_``).
    """
    digital = None if sound is None else _digital(sound)
    (folder / f"{stem}.hea").write_text(_header(record, digital, stem), encoding="ascii")
    (folder / f"{stem}.{BEATS}").write_bytes(annotation_bytes(beat_notes(record)))
    (folder / f"{stem}.{ALARMS}").write_bytes(annotation_bytes(alarm_notes(record)))
    if digital is not None:
        (folder / f"{stem}.dat").write_bytes(digital.tobytes())


def _digital(sound: NDArray[np.float32]) -> NDArray[np.int16]:
    """Format 16: little-endian, `INVALID` where there was no sound."""
    scaled = np.round(np.clip(sound, -1.02, 1.02) * GAIN)
    return np.where(np.isnan(scaled), INVALID, scaled).astype("<i2")


def _header(record: Record, digital: NDArray[np.int16] | None, stem: str) -> str:
    signals = 0 if digital is None else 1
    first = f"{stem} {signals} {RATE_HZ} {record.length}"
    moment = record.moment(0)
    if moment is not None:  # UTC; the format knows no zone
        first += f" {moment:%H:%M:%S}.{moment.microsecond // 1000:03d} {moment:%d/%m/%Y}"
    lines = [first]
    if digital is not None:
        checksum = int(digital.sum(dtype=np.int64)) & 0xFFFF
        checksum -= 0x10000 if checksum > 0x7FFF else 0
        start = int(digital[0]) if digital.size else 0
        lines.append(f"{stem}.dat 16 {GAIN:.1f}(0)/NU 16 0 {start} {checksum} 0 PCG")
    lines += [
        f"# {ascii_text(comment, 200)}"
        for comment in (
            f"written by {record.session.software}: research and teaching, not a medical device",
            f"name: {record.session.name}",
        )
    ]
    return "\n".join(lines) + "\n"


def beat_notes(record: Record) -> list[Note]:
    """Annotations of the heart sounds, the quality and the gaps, in order."""
    notes: set[Note] = set()
    for beat in record.of(ev.Beat):
        for begin, over, sound in ((beat.s1, beat.systole, "S1"), (beat.s2, beat.diastole, "S2")):
            if begin is not None:
                notes.add(Note(begin, 3, "(", sound))
            if over is not None:
                notes.add(Note(over, 0, ")", sound))
    for quality in record.of(ev.Quality):
        text = f"quality {quality.value}" + (f": {quality.reason}" if quality.reason else "")
        notes.add(Note(quality.index, 2, "~", text))
    for gap in record.of(ev.Gap):
        text = f"gap of {gap.length} samples, +-{gap.uncertainty}: {gap.reason}"
        notes.add(Note(gap.start, 1, "~", text))
        notes.add(Note(gap.start + gap.length, 1, "~", "gap ends"))
    return sorted(notes)


def alarm_notes(record: Record) -> list[Note]:
    """Annotations of the transitions of all alarms, in order of the file.

    One at sample 0 is put at 1: a comment at 0 is taken for a definition by readers, and dropped.
    """
    return [
        Note(max(one.index, 1), rank, '"', f"{one.kind} {one.priority} {one.state}: {one.evidence}")
        for rank, one in enumerate(record.of(ev.Alarm))
    ]


def annotation_bytes(notes: Sequence[Note]) -> bytes:
    """Encode annotations in order of their sample (annot(5), "MIT format")."""
    out = bytearray()
    here = 0
    rate = Note(0, 0, '"', f"## time resolution: {RATE_HZ}")
    for note in [rate, *notes]:
        step = note.sample - here
        here = note.sample
        while step > SHORT_STEP:  # one skip after the other where a signed long is too short
            skip = min(step, LONGEST_SKIP)
            out += (SKIP << 10).to_bytes(2, "little")
            out += (skip >> 16).to_bytes(2, "little") + (skip & 0xFFFF).to_bytes(2, "little")
            step -= skip
        out += (CODES[note.symbol] << 10 | step).to_bytes(2, "little")
        text = ascii_text(note.text, NOTE_LIMIT).encode("ascii")
        out += (AUX << 10 | len(text)).to_bytes(2, "little") + text + b"\0" * (len(text) % 2)
    return bytes(out + b"\0\0")
