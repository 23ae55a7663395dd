"""WFDB records: a header ``.hea`` and the signals beside it, as PhysioNet keeps them.

Formats 8, 16, 24, 32, 61, 80, 160 and 212, with an offset before the first sample (so a WAV may
be the signal: PhysioNet 2016 and CirCor write ``a0001.wav 16+44``). Samples that the format marks
as invalid are missing. Others (compressed ones, records of several segments) are refused with a
word on how to convert them. Source: WFDB Applications Guide, header(5) and signal(5).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from monitor.decoding.decoder import Decoder, Frames, Missing, length_words, whole_rate
from monitor.decoding.signals import pick_ecg, pick_sound
from monitor.decoding.sndfile import NotSound
from monitor.regular_file import check_regular

LONGEST_HEADER = 2**20
INVALID = {"16": -(2**15), "24": -(2**23), "32": -(2**31), "61": -(2**15), "80": -128,
           "160": -(2**15), "212": -(2**11)}  # fmt: skip
BITS = {"8": 16, "16": 16, "24": 24, "32": 32, "61": 16, "80": 8, "160": 16, "212": 12}
WIDTH = {"8": 1, "16": 2, "24": 3, "32": 4, "61": 2, "80": 1, "160": 2}
REMEDY = "convert it, such as with: xform -i RECORD -o NEW -M 16"

_SIGNAL = re.compile(
    r"^(?P<format>\d+)(?:x(?P<per>\d+))?(?::(?P<skew>\d+))?(?:\+(?P<offset>\d+))?$"
)


@dataclass(frozen=True, slots=True)
class Signal:
    """One line of a header.

    Attributes
    ----------
    column
        Which of the signals in its file.
    bits, zero
        Resolution of the converter and its middle: the level of the sound is not known otherwise.
    """

    file: str
    format: str
    per_frame: int
    offset: int
    bits: int
    zero: int
    first: int
    label: str
    column: int


@dataclass(frozen=True, slots=True)
class Record:
    """A header: rate in frames per second, frames (0: not told), signals."""

    rate_hz: float
    frames: int
    signals: tuple[Signal, ...]


def header_of(path: Path) -> Record:
    """Read a header.

    Raises
    ------
    NotSound
        If it is none, or of several segments.
    OSError
        If it cannot be read.
    """
    check_regular(path)
    with path.open("rb") as file:
        text = file.read(LONGEST_HEADER).decode("utf-8", "replace").lstrip("\ufeff")
    lines = [line for raw in text.splitlines() if (line := raw.strip()) and line[0] != "#"]
    try:
        words = lines[0].split()
        if "/" in words[0]:
            raise NotSound(f"a WFDB record of several segments: {REMEDY}")
        count = int(words[1])
        rate_hz = float(re.split(r"[/(]", words[2])[0]) if len(words) > 2 else 250.0
        frames = int(words[3]) if len(words) > 3 else 0
        columns: dict[str, int] = {}
        signals = []
        for line in lines[1 : count + 1]:
            signals.append(_signal(line, columns))
        if count < 0 or len(signals) != count or frames < 0 or not math.isfinite(rate_hz):
            raise NotSound("a WFDB header that lacks signals")
    except (ValueError, IndexError):
        raise NotSound("no WFDB header that can be read") from None
    return Record(rate_hz, frames, tuple(signals))


def _signal(line: str, columns: dict[str, int]) -> Signal:
    words = line.split(None, 8)
    form = _SIGNAL.match(words[1])
    if form is None:
        raise ValueError(words[1])
    kind = form["format"]
    gain = words[2] if len(words) > 2 else ""
    baseline = re.search(r"\((-?\d+)\)", gain)
    bits = int(words[3]) if len(words) > 3 else 0
    zero = int(words[4]) if len(words) > 4 else 0
    column = columns.get(words[0], 0)
    columns[words[0]] = column + 1
    return Signal(
        words[0], kind, int(form["per"] or 1), int(form["offset"] or 0),
        bits if 1 < bits <= 32 else BITS.get(kind, 16), int(baseline[1]) if baseline else zero,
        int(words[5]) if len(words) > 5 else 0, words[8] if len(words) > 8 else "", column,
    )  # fmt: skip


def sound_files(path: Path) -> list[Path]:
    """The files that a header names.

    Raises
    ------
    NotSound, OSError
        As `header_of`.
    """
    return [path.parent / name for name in dict.fromkeys(s.file for s in header_of(path).signals)]


class WfdbDecoder(Decoder):
    """The sound of a record, or its electrocardiogram.

    Raises
    ------
    NotSound
        If it is not there, or cannot be read.
    OSError
        If a file cannot be opened.
    """

    def __init__(self, path: Path, ecg: bool = False) -> None:
        record = header_of(path)
        labels = [signal.label for signal in record.signals]
        rates = [record.rate_hz * signal.per_frame for signal in record.signals]
        chosen = pick_ecg(labels) if ecg else pick_sound(labels, rates)
        if not chosen:
            told = ", ".join(labels) or "none"
            raise NotSound(f"no heart sound among the signals of this WFDB record ({told})")
        self.has_ecg = not ecg and bool(pick_ecg(labels))
        self.labels = tuple(labels[k] for k in chosen)
        self.channels = len(chosen)
        rate_hz = whole_rate(rates[chosen[0]])
        if rate_hz is None:
            raise NotSound(f"a rate of {rates[chosen[0]]:g} Hz")
        self.rate_hz = rate_hz
        per = record.signals[chosen[0]].per_frame
        self.frames = record.frames * per or None
        wanted = [record.signals[k] for k in chosen]
        self._files: dict[str, _SignalFile] = {}
        try:
            for signal in wanted:
                if signal.file not in self._files:
                    inside = [s for s in record.signals if s.file == signal.file]
                    self._files[signal.file] = _SignalFile(path.parent, inside)
        except BaseException:
            self.close()
            raise
        self._wanted, self._per = wanted, per
        self._done = 0
        self._held: Frames = self.none()

    def read(self, count: int) -> Frames | Missing:
        if self.frames is not None:
            count = min(count, self.frames - self._done)
        if not len(self._held) and count > 0:
            self._held = self._load(max(1, count // self._per))[: max(count, 0)]
            if not len(self._held):
                self._end()
        lost = np.asarray(np.isnan(self._held).any(axis=1), np.bool_)
        if not len(lost):
            return self.none()
        change = np.flatnonzero(lost != lost[0])
        stop = int(change[0]) if change.size else len(lost)
        part, self._held = self._held[:stop], self._held[stop:]
        self._done += stop
        return Missing(stop, "marked as invalid in the record") if lost[0] else part

    def _load(self, frames: int) -> Frames:
        """The next frames of all files, NaN where a sample is invalid."""
        parts = {name: file.read(frames) for name, file in self._files.items()}
        columns = [parts[s.file][s.column] for s in self._wanted]
        shortest = min(map(len, columns))
        return np.stack([column[:shortest] for column in columns], axis=1)

    def _end(self) -> None:
        if self.frames is not None and self._done < self.frames and not self.trouble:
            lacks = length_words(self.rate_hz, self._done, self.frames)
            self.trouble = f"cut short, {lacks}"

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


class _SignalFile:
    """One file with its signals, frame by frame.

    Raises
    ------
    NotSound
        If it is of a format that is not read, or outside of the folder.
    """

    def __init__(self, folder: Path, signals: list[Signal]) -> None:
        first = signals[0]
        if first.format not in BITS or any(s.format != first.format for s in signals):
            raise NotSound(f"WFDB signals of format {first.format} are not read: {REMEDY}")
        if Path(first.file).name != first.file:
            raise NotSound("a WFDB header that names a file elsewhere")
        self._signals, self._format = signals, first.format
        self._per_frame = sum(s.per_frame for s in signals)
        if not 0 < self._per_frame <= 4096:
            raise NotSound("no WFDB header that can be read")
        self._sums = [float(s.first - s.zero) for s in signals]  # format 8 holds differences
        self._odd: list[int] = []
        try:
            check_regular(folder / first.file)
            self._file: BinaryIO = (folder / first.file).open("rb")
        except FileNotFoundError:
            raise NotSound(f"its signals are missing: {first.file} is not beside it") from None
        self._file.seek(first.offset)

    def read(self, frames: int) -> list[Frames]:
        """The next frames of each signal; fewer at the end."""
        values = self._samples(frames * self._per_frame)
        whole = len(values) // self._per_frame
        table = values[: whole * self._per_frame].reshape(whole, self._per_frame)
        out, at = [], 0
        for number, signal in enumerate(self._signals):
            column = table[:, at : at + signal.per_frame].reshape(-1)
            at += signal.per_frame
            if self._format == "8":
                column = self._sums[number] + np.cumsum(column)
                self._sums[number] = float(column[-1]) if column.size else self._sums[number]
            else:
                column = np.where(column == INVALID[self._format], np.nan, column - signal.zero)
            out.append((column / 2.0 ** (signal.bits - 1)).astype(np.float32))
        return out

    def _samples(self, count: int) -> NDArray[np.float64]:
        if self._format == "212":
            return self._twelve(count)
        data = self._file.read(count * WIDTH[self._format])
        data = data[: len(data) // WIDTH[self._format] * WIDTH[self._format]]
        match self._format:
            case "8":
                return np.frombuffer(data, "i1").astype(np.float64)
            case "80":
                return np.frombuffer(data, "u1").astype(np.float64) - 128
            case "61":
                return np.frombuffer(data, ">i2").astype(np.float64)
            case "160":
                return np.frombuffer(data, "<u2").astype(np.float64) - 32768
            case "24":
                padded = np.zeros((len(data) // 3, 4), np.uint8)
                padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
                return (padded.reshape(-1).view("<i4") >> 8).astype(np.float64)
            case "32":
                return np.frombuffer(data, "<i4").astype(np.float64)
        return np.frombuffer(data, "<i2").astype(np.float64)

    def _twelve(self, count: int) -> NDArray[np.float64]:
        """Two samples of 12 bits in three bytes; an odd one waits for the next call."""
        pairs = -(-(count - len(self._odd)) // 2)
        data = self._file.read(3 * pairs)
        rest = len(data) % 3
        parts = np.frombuffer(data[: len(data) - rest], np.uint8).reshape(-1, 3).astype(np.int64)
        values = np.empty(2 * len(parts), np.int64)
        values[::2] = parts[:, 0] | (parts[:, 1] & 0x0F) << 8
        values[1::2] = parts[:, 2] | (parts[:, 1] & 0xF0) << 4
        signed = [*self._odd, *((values + 2048) % 4096 - 2048)]
        if rest == 2:
            signed.append(((data[-2] | (data[-1] & 0x0F) << 8) + 2048) % 4096 - 2048)
        self._odd = [int(v) for v in signed[count:]]
        return np.asarray(signed[:count], np.float64)

    def close(self) -> None:
        self._file.close()
