"""EDF+: sound, heart rate and everything else as annotations, in one contiguous file (EDF+C).

Contiguous on purpose. EDF+D, made for interrupted recordings, is read as contiguous by edfio and
others: all after the gap then stands too early, without a word (a test shows it). So time goes on
through a gap here: the sound is 0 there, the signal ``Sound present`` is 0, and an annotation
with the gap's length and reason stands over it.

A record of an EDF+ file has room for so many annotations, and all records are of one size. edfio
puts each annotation into the record of its time, so that one crowded second made every second as
large. An annotation says its own time, and may stand in any record: here they fill the records one
after the other, each as full as the mean.

Source: Kemp & Olivan 2003, and the EDF+ specification at edfplus.info.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from monitor import events as ev
from monitor.alarms.episodes import spans
from monitor.record.export.extras import need
from monitor.record.export.model import Record
from monitor.text import ascii_text, safe_stem

NO_RATE = -1.0
"""Heart rate where there is none; EDF has no NaN."""

PRESENT_HZ = 10

HEADER = 256
"""Bytes of the file's header, and of each signal's."""

LONGEST_TIME = 32
"""Bytes of the time of a record."""

Span = tuple[float, float | None, str]
"""Onset in s, duration in s, text."""


def write(record: Record, sound: NDArray[np.float32] | None, path: Path) -> None:
    """Write one EDF+C file.

    Parameters
    ----------
    sound
        float32 [n] at 2 kHz, NaN where lost; None leaves the sound out.
    """
    edfio = need("edfio", "the EDF+ export")
    seconds = max(-(-record.length // RATE_HZ), 1)
    begin = record.moment(0)
    equipment = safe_stem(record.session.software, 30, plain=True)
    edf = edfio.Edf(
        _signals(edfio, record, sound, seconds),
        patient=edfio.Patient(),
        recording=edfio.Recording(
            startdate=None if begin is None else begin.date(),
            equipment_code=equipment,
        ),
        starttime=None if begin is None else begin.time(),
        data_record_duration=1,
        annotations=[edfio.EdfAnnotation(0.0, None, "")],
    )
    plain = path.with_name(f"{path.name}.plain")
    edf.write(plain)
    with plain.open("rb") as old, path.open("wb") as new:
        _annotate(old, new, notes(record))
    plain.unlink()


def _annotate(old: BinaryIO, new: BinaryIO, listed: list[Span]) -> None:
    """Copy an EDF+ file, with ``listed`` as its annotations.

    Header and records: EDF+ specification, sec. 2.1 and 2.2.
    """
    head = bytearray(old.read(HEADER))
    signals = int(head[252:256])
    head += old.read(HEADER * signals)
    labels = [bytes(head[HEADER + 16 * n : HEADER + 16 * (n + 1)]) for n in range(signals)]
    where = labels.index(b"EDF Annotations ")
    field = HEADER + 216 * signals
    sizes = [2 * int(head[field + 8 * n : field + 8 * (n + 1)]) for n in range(signals)]
    records, before = int(head[236:244]), sum(sizes[:where])
    first = old.read(sum(sizes))
    begin_s = float(first[before:].partition(b"\x14")[0])  # a part of a second, where it has one
    texts = [_encoded(onset_s + begin_s, length_s, text) for onset_s, length_s, text in listed]
    room = -(-sum(map(len, texts)) // records) + max(map(len, texts), default=0)
    size = -(-(LONGEST_TIME + room) // 2) * 2
    head[field + 8 * where : field + 8 * (where + 1)] = f"{size // 2:<8d}".encode()
    new.write(head)
    waiting = deque(texts)
    data = first
    while data:
        time = data[before : before + sizes[where]].partition(b"\0")[0] + b"\0"
        full = len(time) + room
        while waiting and len(time) + len(waiting[0]) <= full:
            time += waiting.popleft()
        new.write(data[:before] + time.ljust(size, b"\0") + data[before + sizes[where] :])
        data = old.read(sum(sizes))


def _encoded(onset_s: float, length_s: float | None, text: str) -> bytes:
    """One time-stamped annotation list (TAL)."""
    time = f"{onset_s:+.12f}".rstrip("0").rstrip(".")
    if length_s is not None:
        time += "\x15" + f"{length_s:.12f}".rstrip("0").rstrip(".")
    return f"{time}\x14{text}\x14\0".encode()


def _signals(
    edfio: Any, record: Record, sound: NDArray[np.float32] | None, seconds: int
) -> list[object]:
    signals: list[object] = []
    if sound is not None:
        padded = np.zeros(seconds * RATE_HZ)
        padded[: sound.size] = np.nan_to_num(np.clip(sound, -1.0, 1.0))
        signals.append(
            edfio.EdfSignal(
                padded,
                RATE_HZ,
                label="PCG",
                transducer_type="stethoscope",
                physical_dimension="",
                physical_range=(-1.0, 1.0),
                prefiltering="HP:20Hz LP:400Hz",
            )
        )
    rate = np.full(seconds, NO_RATE)
    for vitals in record.of(ev.Vitals):
        if vitals.rate is not None:
            rate[min(max(vitals.index // RATE_HZ - 1, 0), seconds - 1)] = vitals.rate
    signals.append(
        edfio.EdfSignal(
            np.clip(rate, NO_RATE, 300.0),
            1,
            label="Heart rate",
            transducer_type="found in the sound; -1: no value",
            physical_dimension="/min",
            physical_range=(NO_RATE, 300.0),
        )
    )
    present = np.zeros(seconds * RATE_HZ, bool)
    present[: record.length] = True
    for gap in record.of(ev.Gap):
        present[gap.start : gap.start + gap.length] = False
    signals.append(
        edfio.EdfSignal(
            present.reshape(-1, RATE_HZ // PRESENT_HZ).all(axis=1).astype(np.float64),
            PRESENT_HZ,
            label="Sound present",
            transducer_type="0: lost, or after the end",
            physical_range=(0.0, 1.0),
            digital_range=(0, 1),
        )
    )
    return signals


def notes(record: Record) -> list[Span]:
    """Everything but the signals, in order of time."""
    listed: list[Span] = [(0.0, None, f"Apexbeat: {record.session.name}")]
    for gap in record.of(ev.Gap):
        text = f"gap, +-{gap.uncertainty / RATE_HZ:.3f} s: {gap.reason}"
        listed.append((gap.start / RATE_HZ, gap.length / RATE_HZ, text))
    for beat in record.of(ev.Beat):
        for begin, over, name in ((beat.s1, beat.systole, "S1"), (beat.s2, beat.diastole, "S2")):
            if begin is not None:
                length = None if over is None else (over - begin) / RATE_HZ
                listed.append((begin / RATE_HZ, length, name))
    listed += [
        (start / RATE_HZ, (stop - start) / RATE_HZ, text)
        for start, stop, text in spans(
            (
                (one.index, f"quality {one.value}" + (f": {one.reason}" if one.reason else ""))
                for one in record.of(ev.Quality)
            ),
            record.length,
            record.of(ev.Gap),
        )
    ]
    for verdict in record.of(ev.Verdict):
        p = "" if verdict.p is None else f", p {verdict.p:.4f}"
        text = f"verdict {verdict.value}{p}, {verdict.windows} windows"
        listed.append((verdict.index / RATE_HZ, None, text))
    for one in record.alarms:
        stop = record.length if one.end is None else one.end
        text = f"alarm {one.title} {one.priority}: {one.evidence}"
        listed.append((one.start / RATE_HZ, (stop - one.start) / RATE_HZ, text))
        if one.acknowledged is not None:
            listed.append((one.acknowledged / RATE_HZ, None, f"acknowledged {one.title}"))
    listed += [(one.index / RATE_HZ, None, f"mark: {one.note}") for one in record.of(ev.Mark)]
    listed += [(one.index / RATE_HZ, None, f"fault: {one.what}") for one in record.of(ev.Fault)]
    listed.append((record.length / RATE_HZ, None, "end of the recording"))
    return sorted(((a, b, ascii_text(c, 200)) for a, b, c in listed), key=lambda one: one[0])
