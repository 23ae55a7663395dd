"""What a person, or a program, sees of a replay: blocks of words or lines of JSON, and a table."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.errors import EXIT_OK, EXIT_SOME_FAILED, InputError, NoInputError, UsageError
from monitor.events import RATE_HZ
from monitor.text import harmless

if TYPE_CHECKING:
    from monitor.analysis.verdict import Thresholds
    from monitor.cli.replay_table import RecordingTable
    from monitor.events import Output
    from monitor.record.export.csv import Cell
    from monitor.replay.batch import Outcome
    from monitor.replay.inputs import Item
    from monitor.replay.labels import Labels
    from monitor.replay.persons import Person
    from monitor.replay.rows import Row


LINES_SHOWN = 5
"""Lines of a table of labels that are named."""

BLOCKS = 8
"""Up to so many recordings are told at length; more are a line each."""
PERSON_COLUMNS = (
    "person_verdict", "person_p", "person_recordings", "person_judged", "person_evidence",
)  # fmt: skip
"""Of the verdict on a recording's person, in the file of the table."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for beside the analysis.

    Attributes
    ----------
    csv
        File of the table, None for none.
    overwrite
        Whether it may be replaced.
    labels
        Table of labels, None for none.
    person
        Name of a recording's person from its path; None if only the labels know it.
    by_person
        Whether persons are judged.
    """

    csv: Path | None = None
    overwrite: bool = False
    labels: Labels | None = None
    person: Callable[[Path], str | None] | None = None
    by_person: bool = False

    def of(self, path: Path) -> dict[str, Cell]:
        """What is known of a recording beside its sound: keys that were asked for."""
        line = None if self.labels is None else self.labels.of(path)
        known: dict[str, Cell] = {}
        if self.labels is not None:
            abnormal = None if line is None else line.abnormal
            known["label"] = None if abnormal is None else ("normal", "abnormal")[abnormal]
        if self.by_person:
            named = line.person if line is not None else None
            known["person"] = named if self.person is None else self.person(path)
        return known

    def check(self, paths: Sequence[Path]) -> None:
        """See that labels and persons belong to these recordings, before the first is read.

        Raises
        ------
        UsageError
            If none of them has a label, or a person, or two lines of the labels contradict.
        """
        known = [self.of(path) for path in paths]
        for key, remedy in (
            ("label", "compare its column of files with the names of these"),
            ("person", r"name a column of the labels, a pattern such as '(\d+)_', or 'folder'"),
        ):
            if known and key in known[0] and all(one[key] is None for one in known):
                where = f"{self.labels.path}: " if key == "label" and self.labels else ""
                raise UsageError(f"{where}no recording has a {key}", remedy)


class ReplayOutput:
    """What a person, or a program, sees of the outcomes.

    Parameters
    ----------
    as_json
        A line of JSON for each, on stdout; words go to stderr.
    names
        Of all recordings; none where they are not known beforehand.
    wanted
        What was asked for beside.
    """

    def __init__(
        self, as_json: bool, names: Sequence[str] = (), wanted: Wanted | None = None
    ) -> None:
        self._as_json, self._count = as_json, len(names)
        self._wanted = wanted or Wanted()
        self._rows: list[tuple[Row, dict[str, Cell]]] = []
        self._table: RecordingTable | None = None
        if len(names) > 1 and not as_json:
            from monitor.cli.replay_table import RecordingTable

            columns = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            self._table = RecordingTable(names, columns)
        self._blocks = self._count <= BLOCKS
        self._began = time.perf_counter()
        self._bar: Any = None
        self._task: Any = None
        self._unicode = _can_show("⣿")
        if self._table is not None and not self._blocks:
            self._say(self._table.head())

    @contextmanager
    def following(self, items: list[Item], processes: int) -> Iterator[Callable[[Output], None]]:
        """Show how far it is; yield what takes the findings of a file on this process.

        A bar on stderr if that is a terminal; of a stream each change as it comes.
        """
        alone = len(items) == 1
        if alone and is_live(items[0].path):
            from monitor.cli.changes import Changes

            yield (lambda output: None) if self._as_json else Changes(click.echo).take
            return
        if not sys.stderr.isatty():
            yield lambda output: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %") if alone else MofNCompleteColumn(),
            Remaining(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        words = harmless(items[0].name, 40) if alone else f"{processes} at once"
        total = _duration(items[0].path) if alone else len(items)
        self._task = self._bar.add_task(words.replace("[", "\\["), total=total)

        def seen(output: Output) -> None:
            if alone:
                self._bar.update(self._task, completed=output.events[-1].index / RATE_HZ)

        with self._bar:
            yield seen
        self._bar = None

    @property
    def failed(self) -> bool:
        """Whether an input could not be judged."""
        return any(row.error is not None for row, _ in self._rows)

    def outcome(self, outcome: Outcome) -> None:
        """Print one outcome: a summary on stdout, or a line on stderr."""
        if self._bar is not None:
            self._bar.stop()
        self._print(outcome)
        if self._bar is not None:
            self._bar.start()
            if self._count > 1:
                self._bar.update(self._task, advance=1)

    def _print(self, outcome: Outcome) -> None:
        from monitor.replay.rows import Row, row_of

        summary = outcome.summary
        file = harmless(str(outcome.path), 4096)
        if summary is None:
            name, error = outcome.name or outcome.path.name, harmless(outcome.error, 400)
            row = Row(name=harmless(name, 4096), file=file, error=error)
            click.echo(f"apexbeat: {error}", err=True)
        else:
            row = row_of(summary, file)
            for words in summary.warnings:
                click.echo(f"apexbeat: {harmless(f'{outcome.path}: {words}', 400)}", err=True)
        beside = self._wanted.of(outcome.path)
        self._rows.append((row, beside))
        if self._as_json:
            import msgspec

            click.echo(msgspec.json.encode(msgspec.to_builtins(row) | beside).decode())
        elif self._table is not None and not self._blocks:
            self._say(self._table.line(row))
        elif summary is not None:
            from monitor.cli.words import lines

            for line in lines(summary, self._unicode):
                self._say(line)
            click.echo()

    def _say(self, line: str) -> None:
        click.echo(line if self._unicode else _ascii(line), err=self._as_json)

    def end(self, thresholds: Callable[[], Thresholds] | None = None) -> int:
        """Print the tables, write the file, say how it went as a whole; return the exit code.

        Parameters
        ----------
        thresholds
            Of the model, for the persons.

        Raises
        ------
        NoInputError
            If nothing could be judged.
        RecordError
            If the file cannot be written.
        """
        rows = [row for row, _ in self._rows]
        bad = sum(row.error is not None for row in rows)
        took = time.perf_counter() - self._began
        if self._table is not None:
            from monitor.cli.replay_table import totals

            if self._blocks and bad < len(rows):
                for line in (self._table.head(), *map(self._table.line, rows)):
                    self._say(line)
            if bad < len(rows):
                self._say(totals(rows))
        persons = self._persons(thresholds)
        self._labelled(persons)
        self._write(persons)
        if len(rows) > 1 and not self._as_json:
            sound_s = sum(row.duration_s or 0.0 for row in rows)
            words = f"{len(rows) - bad} analysed" + (f", {bad} failed" if bad else "")
            click.echo(
                f"{words}: {sound_s / 3600:.2f} h of sound in {took:.0f} s, "
                f"{sound_s / took if took > 0 else 0:.0f} × real time",
                err=True,
            )
        if bad == len(rows):
            raise NoInputError("no usable input", "see above")
        return EXIT_SOME_FAILED if bad else EXIT_OK

    def _persons(self, thresholds: Callable[[], Thresholds] | None) -> list[Person]:
        """Judge the persons and print their table."""
        if not self._wanted.by_person or thresholds is None:
            return []
        from monitor.cli.replay_table import person_lines
        from monitor.replay.persons import judge_persons

        owned = [(str(b["person"]), row) for row, b in self._rows if b["person"]]
        good = [beside["person"] for row, beside in self._rows if row.error is None]
        if not all(good):
            words = f"{good.count(None)} of {len(good)} recordings name no person"
            click.echo(f"apexbeat: {words}", err=True)
        persons = judge_persons(owned, thresholds()) if owned else []
        if persons:
            self._say("")
            for line in person_lines(persons):
                self._say(line)
        return persons

    def _labelled(self, persons: Sequence[Person]) -> None:
        """Print how the verdicts agree with the labels."""
        labels = self._wanted.labels
        if labels is None:
            return
        from monitor.cli.replay_table import score_lines, worst_lines
        from monitor.replay.scores import Case

        known = [(r, b) for r, b in self._rows if b["label"] is not None and r.error is None]
        if not known:
            return
        cases = [
            Case(r.name, b["label"] == "abnormal", r.verdict or "none", r.p,
                 str(b.get("person") or r.name))
            for r, b in known
        ]  # fmt: skip
        lines = ["", *score_lines(cases, "recordings")]
        without = sum(r.error is None for r, _ in self._rows) - len(known)
        plural = "s" * (without != 1)
        notes = [f"{without} recording{plural} without a label"] if without else []
        notes += [_unused_words(labels.unused)] if labels.unused else []
        lines += [f"  left out: {', '.join(notes)}"] if notes else []
        lines += worst_lines(cases)
        if persons:
            label: dict[str, bool] = {}
            for _, b in self._rows:
                if b["label"] is not None:
                    who = str(b["person"])
                    label[who] = label.get(who, False) or b["label"] == "abnormal"
            of_persons = [
                Case(one.name, label[one.name], one.verdict.value, one.verdict.p, one.name)
                for one in persons
                if one.name in label
            ]
            lines += ["", *score_lines(of_persons, "persons"), *worst_lines(of_persons)]
        for line in lines:
            self._say(line)

    def _write(self, persons: Sequence[Person]) -> None:
        """Write the table as CSV."""
        path = self._wanted.csv
        if path is None:
            return
        import msgspec

        from monitor.replay.rows import KEYS, csv_text
        from monitor.system.atomic_write import write_files

        columns = [*KEYS, *(self._rows[0][1] if self._rows else ())]
        told = {one.name: one.verdict for one in persons}
        if self._wanted.by_person:
            columns += PERSON_COLUMNS
        table = []
        for row, beside in self._rows:
            cells: dict[str, Cell] = msgspec.to_builtins(row) | beside
            mine = told.get(str(beside.get("person")))
            if mine is not None:
                p = None if mine.p is None else round(mine.p, 4)
                about = (mine.value, p, mine.recordings, mine.judged, mine.evidence)
                cells |= dict(zip(PERSON_COLUMNS, about, strict=True))
            table.append(cells)
        write_files(path.parent, {path.name: csv_text(table, columns)}, self._wanted.overwrite)


def _unused_words(lines: list[int]) -> str:
    plural = "s" * (len(lines) != 1)
    shown = ", ".join(map(str, lines[:LINES_SHOWN])) + ", ..." * (len(lines) > LINES_SHOWN)
    return f"{len(lines)} label{plural} without a recording (line{plural} {shown})"


def is_live(path: Path) -> bool:
    """Whether an input is a stream, which is heard as it comes."""
    from monitor.decoding.pipe import is_stream

    try:
        return is_stream(path)
    except OSError:
        return False


def _duration(path: Path) -> float | None:
    from monitor.capture.files import FileSource

    try:
        with FileSource(path) as source:
            return source.duration_s
    except InputError:
        return None  # the replay says it in words


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _ascii(line: str) -> str:
    for fancy, plain in (("≥", ">="), ("–", "-"), ("×", "x"), ("…", "..."), ("�", "?")):
        line = line.replace(fancy, plain)
    return line.encode("ascii", "replace").decode()
