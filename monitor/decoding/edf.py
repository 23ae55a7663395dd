"""EDF, EDF+ and BDF: signals in records of equal duration, as sleep and heart laboratories keep.

The time of each record of a discontinuous file (EDF+D) is in its annotations; what lies between
two records is missing. Our own export marks lost sound by the signal ``Sound present``.
Source: Kemp et al. 1992, EDF+ (edfplus.info), BDF (biosemi.com).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from monitor.decoding.decoder import Decoder, Frames, Missing, length_words, whole_rate
from monitor.decoding.signals import pick_ecg, pick_sound
from monitor.decoding.sndfile import NotSound

FIELDS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)
"""Bytes of each field of a signal's header, in order."""

MAX_SIGNALS = 1024
LONGEST_GAP_S = 7 * 86_400.0
"""A time of a record further ahead than this is no gap but damage."""

PRESENT = "Sound present"
_TIME = re.compile(rb"^([+-]\d+(?:\.\d+)?)\x14\x14")


@dataclass(frozen=True, slots=True)
class Header:
    """Of a file; per signal: label, samples in a record, where they begin, digital ends."""

    bytes_: int
    start: int
    records: int
    record_s: float
    interrupted: bool
    labels: tuple[str, ...]
    samples: tuple[int, ...]
    digital: tuple[tuple[int, int], ...]

    @property
    def record_bytes(self) -> int:
        """Bytes of one record."""
        return self.bytes_ * sum(self.samples)

    def begin(self, signal: int) -> int:
        """Byte of a record at which a signal begins."""
        return self.bytes_ * sum(self.samples[:signal])


def is_edf(head: bytes) -> bool:
    """Whether a file begins so."""
    return head[:8] in (b"0       ", b"\xffBIOSEMI")


def header_of(file: BinaryIO) -> Header:
    """Read a header.

    Raises
    ------
    NotSound
        If it cannot be read.
    """
    try:
        main = file.read(256)
        count = int(main[252:256])
        if not 0 < count <= MAX_SIGNALS:
            raise ValueError
        body = file.read(256 * count)
        fields, at = [], 0
        for width in FIELDS:
            part = body[at : at + width * count]
            fields.append([part[k * width : (k + 1) * width].strip() for k in range(count)])
            at += width * count
        header = Header(
            bytes_=3 if main[:1] == b"\xff" else 2,
            start=int(main[184:192]),
            records=int(main[236:244]),
            record_s=float(main[244:252]),
            interrupted=main[192:197] in (b"EDF+D", b"BDF+D"),
            labels=tuple(text.decode("latin-1") for text in fields[0]),
            samples=tuple(int(text) for text in fields[8]),
            digital=tuple((int(a), int(b)) for a, b in zip(fields[5], fields[6], strict=True)),
        )
    except (ValueError, OverflowError):
        raise NotSound("an EDF header that cannot be read") from None
    fine = min(header.samples) >= 0 and 0 < header.record_bytes <= 64 * 2**20
    if not fine or not math.isfinite(header.record_s) or header.start != 256 * (1 + count):
        raise NotSound("an EDF header that cannot be")
    return header


class EdfDecoder(Decoder):
    """The sound of a file, or its electrocardiogram.

    Raises
    ------
    NotSound
        If it is not there, or cannot be read.
    OSError
        If the file cannot be opened.
    """

    def __init__(self, path: Path, ecg: bool = False) -> None:
        self._file = path.open("rb")
        try:
            self._open(ecg, path.stat().st_size)
        except BaseException:
            self._file.close()
            raise

    def _open(self, ecg: bool, size: int) -> None:
        self._header = header = header_of(self._file)
        if header.record_s <= 0:
            raise NotSound("an EDF file of annotations alone")
        rates = [count / header.record_s for count in header.samples]
        self._signals = pick_ecg(header.labels) if ecg else pick_sound(header.labels, rates)
        if not self._signals:
            told = ", ".join(header.labels)
            raise NotSound(f"no heart sound of 1 kHz or more among its signals ({told})")
        self.has_ecg = not ecg and bool(pick_ecg(header.labels))
        self.labels = tuple(header.labels[k] for k in self._signals)
        self.channels = len(self._signals)
        rate_hz = whole_rate(rates[self._signals[0]])
        if rate_hz is None:
            raise NotSound(f"a rate of {rates[self._signals[0]]:g} Hz")
        self.rate_hz = rate_hz
        per = header.samples[self._signals[0]]
        there = max(0, size - header.start) // header.record_bytes
        self.frames = header.records * per if header.records >= 0 else None
        if header.records < 0:
            self.trouble = (
                "its header gives no length, so nobody can tell whether the end is missing"
            )
        elif there < header.records:
            lacks = length_words(rate_hz, there * per, self.frames)
            self.trouble = f"cut short, {lacks}"
        self._left = min(there, header.records) if header.records >= 0 else there
        self._notes = [k for k, v in enumerate(header.labels) if v.endswith("Annotations")]
        self._present = header.labels.index(PRESENT) if PRESENT in header.labels else None
        self._time_s: float | None = None
        self._queue: list[Frames | Missing] = []

    def read(self, count: int) -> Frames | Missing:
        while not self._queue and self._left > 0:
            self._left -= 1
            data = self._file.read(self._header.record_bytes)
            if len(data) < self._header.record_bytes:
                self._left = 0
                break
            self._record(data)
        if not self._queue:
            return self.none()
        item = self._queue.pop(0)
        if isinstance(item, Missing):
            if item.frames > count:
                self._queue.insert(0, Missing(item.frames - count, item.reason))
                return Missing(count, item.reason)
            return item
        if len(item) > count:
            self._queue.insert(0, item[count:])
        return item[:count]

    def _record(self, data: bytes) -> None:
        """Cut a record into sound and what is missing."""
        self._gap_before(data)
        columns = [self._column(data, k) for k in self._signals]
        frames = np.stack(columns, axis=1).astype(np.float32)
        if self._present is None:
            self._queue.append(frames)
            return
        there = self._column(data, self._present) > 0
        each = len(frames) // max(1, len(there))
        edges = [0, *(np.flatnonzero(there[1:] != there[:-1]) + 1).tolist(), len(there)]
        for a, b in pairwise(edges):
            stop = len(frames) if b == len(there) else b * each
            part = frames[a * each : stop]
            if not there[a] and (self._left or self._time_left(there, b)):
                self._queue.append(Missing(len(part), "lost when it was recorded"))
            elif there[a]:
                self._queue.append(part)

    def _time_left(self, there: NDArray[np.bool_], stop: int) -> bool:
        """Whether sound comes after ``stop`` of the last record: else it is padding."""
        return bool((there[stop:] > 0).any())

    def _gap_before(self, data: bytes) -> None:
        if not self._header.interrupted or not self._notes:
            return
        begin = self._header.begin(self._notes[0])
        size = self._header.bytes_ * self._header.samples[self._notes[0]]
        found = _TIME.match(data[begin : begin + size])
        if found is None:
            return
        now_s = float(found[1])
        if self._time_s is not None:
            lost = round((now_s - self._time_s) * self.rate_hz)
            if 0 < lost <= LONGEST_GAP_S * self.rate_hz:
                self._queue.append(Missing(lost, "the file has a gap here"))
        self._time_s = now_s + self._header.record_s

    def _column(self, data: bytes, signal: int) -> NDArray[np.float64]:
        """Samples of one signal of a record, full scale ±1 by its digital ends."""
        header = self._header
        begin = header.begin(signal)
        part = data[begin : begin + header.bytes_ * header.samples[signal]]
        if header.bytes_ == 3:
            padded = np.zeros((len(part) // 3, 4), np.uint8)
            padded[:, 1:] = np.frombuffer(part, np.uint8).reshape(-1, 3)
            values = (padded.reshape(-1).view("<i4") >> 8).astype(np.float64)
        else:
            values = np.frombuffer(part, "<i2").astype(np.float64)
        low, high = header.digital[signal]
        if header.labels[signal] == PRESENT:
            return values - min(low, high)
        half = max(abs(low), abs(high), 1)
        return values / half

    def close(self) -> None:
        """Close the file."""
        self._file.close()
