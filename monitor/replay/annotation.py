"""Reads where a person, or another program, put S1 and S2 in a recording.

================  =================================================================
``.csv``          ``sample,state``: sample at 2 kHz, states S1, systole, S2, diastole
``.tsv .txt``     start, end (seconds) and S1 or S2, or 1 and 3: labels of Audacity,
                  segmentations of the CirCor data
``.jsonl``        an event file of ours: its beats
================  =================================================================

Columns may be separated by tabs, semicolons or commas, and numbers have a decimal comma.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from dsp.cycles.matching import Onset
from monitor.errors import NoInputError
from monitor.events import RATE_HZ
from monitor.text import decoded

LONGEST = 64 * 2**20
"""Bytes: a day of labels is far below."""
_SOUNDS = {"s1": 1, "s2": 2}
_NUMBERS = {"1": 1, "3": 2}
"""As CirCor and the Springer segmentation count the states."""


_TABLE = re.compile(r"[;\t]")


class _Line(msgspec.Struct):
    type: str
    s1: int | None = None
    s2: int | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """Onsets in order, and the file's base name."""

    name: str
    onsets: tuple[Onset, ...]


def read(path: Path) -> Annotation:
    """Read an annotation file.

    Raises
    ------
    NoInputError
        If it cannot be read, or holds no S1 and no S2.
    """
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError("too large to be an annotation")
        text = decoded(path.read_bytes(), other="cp1252")
        kind = path.suffix.lower()
        if kind == ".jsonl":
            found = list(_events(text.splitlines()))
        elif kind == ".csv":
            found = list(_states(text.splitlines()))
        else:
            found = list(_labels(text.splitlines()))
    except OSError as error:
        raise NoInputError(f"{path}: {error.strerror or error}") from None
    except (ValueError, msgspec.DecodeError) as error:
        raise NoInputError(f"{path}: not an annotation ({error})", _REMEDY) from None
    if not found:
        raise NoInputError(f"{path}: no S1 and no S2 in it", _REMEDY)
    return Annotation(path.name, tuple(sorted(found)))


_REMEDY = "give sample,state (.csv), start end S1|S2 in seconds (.tsv, .txt), or an event file"


def _states(lines: Iterable[str]) -> Iterator[Onset]:
    listed = list(lines)
    head = listed[0] if listed else ""
    if head.lower().startswith("sep="):  # as spreadsheets begin
        listed, head = listed[1:], listed[1] if len(listed) > 1 else ""
    separator = max(",;\t", key=head.count)
    rows = csv.DictReader(listed, delimiter=separator)
    if rows.fieldnames is None or not {"sample", "state"} <= set(rows.fieldnames):
        labels = list(_labels(line.replace(separator, "\t") for line in listed))
        if not labels:
            raise ValueError("no columns sample and state")
        yield from labels
        return
    for row in rows:
        sound = _SOUNDS.get((row["state"] or "").strip().lower())
        if sound is not None:
            yield int(row["sample"]), sound


def _labels(lines: Iterable[str]) -> Iterator[Onset]:
    for line in lines:
        parts = line.replace(";", "\t").split("\t") if _TABLE.search(line) else line.split()
        parts = [part.strip().strip('"') for part in parts]
        if len(parts) < 3 or parts[0].startswith(("#", "\\")):
            continue
        sound = _SOUNDS.get(parts[2].lower(), _NUMBERS.get(parts[2].lower()))
        if sound is not None:
            start_s = float(parts[0].replace(",", "."))
            if not 0 <= start_s < 1e7:
                raise ValueError(f"{parts[0]} is no time in seconds")
            yield round(start_s * RATE_HZ), sound


def _events(lines: Iterable[str]) -> Iterator[Onset]:
    for line in lines:
        event = msgspec.json.decode(line, type=_Line)
        if event.type == "beat":
            for at, sound in ((event.s1, 1), (event.s2, 2)):
                if at is not None:
                    yield at, sound
