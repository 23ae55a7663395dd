"""The folder of an examination: each place as it is done, and at the end the page.

    1-aortic.flac  1-aortic.jsonl  2-…     filtered sound (20–400 Hz) and events
    exam.json                              who, when, the row of each place, the verdict
    exam.html  exam.pdf                    the page
    exam.fhir.json                         R4 Bundle: heart rate and verdict at each place

Who the person is stands in exam.json, the page and the PDF alone, for their owner alone (0600).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import soundfile as sf

from monitor.analysis.person import PersonVerdict
from monitor.analysis.verdict import Thresholds
from monitor.errors import RecordError
from monitor.events import RATE_HZ
from monitor.exam.bundle import bundle
from monitor.exam.listening import PlaceHeard
from monitor.exam.page import ExamPage, render
from monitor.record.eventfile import encode
from monitor.record.export.model import Anchor, Record, record_of
from monitor.record.report.pdf import to_pdf
from monitor.replay.persons import judge_rows
from monitor.replay.rows import Row, row_of
from monitor.system.atomic_write import write_files
from monitor.text import safe_stem


class Person(msgspec.Struct, frozen=True):
    """Who is examined, in the examiner's words; every one of them may be empty."""

    id: str = ""
    note: str = ""
    age: str = ""


@dataclass(frozen=True)
class _Done:
    heard: PlaceHeard
    record: Record
    row: Row


def _of_places(rows: Sequence[Row]) -> list[Row]:
    """What is judged: a try without a verdict counts only where no other one of its place does."""
    judged = {row.name for row in rows if row.verdict != "none"}
    without = {row.name: row for row in rows if row.name not in judged}
    return [*(row for row in rows if row.verdict != "none"), *without.values()]


class ExamFolder:
    """An examination that is being written.

    Parameters
    ----------
    folder
        Made with the first place.
    thresholds
        Of the model, for the verdict over all places.
    """

    def __init__(
        self, folder: Path, person: Person, started: datetime, thresholds: Thresholds
    ) -> None:
        self.folder, self._person, self._started = folder, person, started
        self._thresholds = thresholds
        self._done: list[_Done] = []

    def __len__(self) -> int:
        return len(self._done)

    def make(self) -> None:
        """Make the folder.

        Raises
        ------
        RecordError
            If that cannot be done.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordError(
                f"cannot write in {self.folder}: {error.strerror or error}", "choose another -o"
            ) from error

    def add(self, heard: PlaceHeard, begun: datetime) -> Row:
        """Write a place; return its row.

        Raises
        ------
        RecordError
            If the disk refuses it.
        """
        self.make()
        stem = f"{len(self) + 1}-{safe_stem(heard.place, plain=True) or 'place'}"
        out = io.BytesIO()
        sound = np.clip(np.nan_to_num(heard.sound), -1, 1)
        sf.write(out, sound, RATE_HZ, format="FLAC", subtype="PCM_24")
        events = b"".join(map(encode, heard.events))
        write_files(
            self.folder, {f"{stem}.flac": out.getvalue(), f"{stem}.jsonl": events}, overwrite=False
        )
        record = replace(record_of(heard.events, stem), anchors=(Anchor(0, begun.timestamp()),))
        row = row_of(heard.summary, f"{stem}.flac")
        self._done.append(_Done(heard, record, row))
        return row

    def finish(self, pdf: bool = False) -> tuple[PersonVerdict, list[Path]]:
        """Write the page and what goes with it; return the verdict on the person, and the files.

        Raises
        ------
        UsageError
            If a PDF is wanted and its extra is missing.
        RecordError
            If the disk refuses it.
        """
        rows = [one.row for one in self._done]
        verdict = judge_rows(_of_places(rows), self._thresholds, "places")
        html = render(
            ExamPage(
                self._person.id, self._person.note, self._person.age, self._started, verdict,
                [(one.record, one.row, one.heard.sound) for one in self._done],
            )
        )  # fmt: skip
        content = {
            "started": self._started.isoformat(timespec="seconds"),
            **msgspec.to_builtins(self._person),
            "verdict": verdict.value,
            "p": None if verdict.p is None else round(verdict.p, 4),
            "evidence": verdict.evidence,
            "judged": verdict.judged,
            "not_judged": verdict.not_judged,
            "places": msgspec.to_builtins(rows),
        }
        files: dict[str, str | bytes] = {
            "exam.json": msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n",
            "exam.html": html,
            "exam.fhir.json": msgspec.json.format(
                msgspec.json.encode(
                    bundle([(one.heard.place, one.record, one.row) for one in self._done], verdict)
                ),
                indent=1,
            ),
        }
        if pdf:
            files["exam.pdf"] = to_pdf(html)
        return verdict, write_files(self.folder, files, overwrite=False)
