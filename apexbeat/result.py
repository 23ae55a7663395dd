"""The result of an analysis: tables in seconds, a verdict, a summary, a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from apexbeat import tables
from monitor import events as ev
from monitor.analysis.summary import Collector, RecordVerdict, Summary
from monitor.config.load import Settings
from monitor.errors import UsageError
from monitor.replay.rows import Row, row_of
from monitor.text import safe_stem

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Result:
    """What was found in one recording or stream.

    Each table is a pandas DataFrame where pandas is installed, else a list of the dataclasses of
    `apexbeat.tables`; `rows` gives the dataclasses in either case. Times are seconds from the
    start of the recording.

    Attributes
    ----------
    name
        Name of the recording.
    events
        Lines of the event file, in order.
    sound
        Filtered sound (20–400 Hz) at 2 kHz, float32 [samples], full scale ±1, NaN where it was
        lost; None where it was not kept or only events were read.
    file
        Path of the recording; empty for an array or a stream.
    told
        Summary made while the file was read, with its `warnings`; None without a file.
    """

    name: str
    events: tuple[ev.Event, ...]
    sound: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    file: str = field(default="", repr=False, compare=False)
    told: Summary | None = field(default=None, repr=False, compare=False)

    @property
    def beats(self) -> Any:
        """Heart cycles: onsets of S1, systole, S2, diastole and the end, with a confidence."""
        return self._table("beats")

    @property
    def rr(self) -> Any:
        """Intervals from S1 to S1; ``missing`` where a beat between may not have been heard."""
        return self._table("rr")

    @property
    def vitals(self) -> Any:
        """Each second: rate in 1/min, its spread, length of systole and diastole in ms."""
        return self._table("vitals")

    @property
    def quality(self) -> Any:
        """Stretches of one signal quality."""
        return self._table("quality")

    @property
    def heart(self) -> Any:
        """Stretches in which a heart is heard, is absent, or noise hides whether it beats."""
        return self._table("heart")

    @property
    def windows(self) -> Any:
        """Windows of 2.5 s with p(abnormal) at equal priors, and whether each counts."""
        return self._table("windows")

    @property
    def alarms(self) -> Any:
        """Alarms that were raised, with their evidence."""
        return self._table("alarms")

    @property
    def verdict(self) -> RecordVerdict:
        """The verdict on the whole recording, with its evidence in words."""
        return self._summary.verdict

    @property
    def rate(self) -> float | None:
        """Median heart rate in 1/min, None where none is known."""
        return self._summary.rate

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self._summary.duration_s

    @property
    def warnings(self) -> list[str]:
        """What is missing from the file, or damaged in it."""
        return self._summary.warnings

    def rows(self, table: str) -> list[Any]:
        """Return a table as dataclasses.

        Parameters
        ----------
        table
            ``beats``, ``rr``, ``vitals``, ``quality``, ``heart``, ``windows`` or ``alarms``.
        """
        return tables.MAKERS[table][1](self.events)

    def summary(self) -> str:
        """Return a plain-text summary of a few lines."""
        one = self._summary
        rate = "no rate" if one.rate is None else f"{one.rate:.0f}/min, {one.beats} beats"
        verdict = one.verdict.value.upper()
        evidence = f"  {one.verdict.evidence}" if one.verdict.evidence else ""
        alarms = [f"  alarm    {a.kind} ({a.priority}): {a.evidence}" for a in one.alarms]
        quality = ", ".join(f"{k} {v:.0f} s" for k, v in one.quality_s.items())
        lines = [
            f"{self.name}  {one.duration_s:.1f} s",
            f"  rate     {rate}",
            f"  signal   {quality or 'none'}",
            f"  verdict  {verdict}{evidence}",
            *(alarms or ["  alarms   none"]),
        ]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, str | int | float | bool | None]:
        """Return one flat row: the keys of ``apexbeat replay --json`` and of an archive.

        Examples
        --------
        >>> import apexbeat
        >>> row = apexbeat.analyze("recordings/normal.wav").to_dict()
        >>> row["name"], row["verdict"], row["alarms"]
        ('normal.wav', 'normal', 0)
        """
        row: dict[str, str | int | float | bool | None] = msgspec.to_builtins(self._row)
        return row

    def to_json(self) -> str:
        """Return the flat row as one line of JSON."""
        return msgspec.json.encode(self._row).decode()

    def to_csv(self, folder: str | Path) -> list[Path]:
        """Write each table as ``NAME.TABLE.csv`` into ``folder``; return the paths.

        Raises
        ------
        FileExistsError
            If one of them exists.
        """
        import csv

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for table, (kind, make) in tables.MAKERS.items():
            path = folder / f"{safe_stem(Path(self.name).stem)}.{table}.csv"
            with path.open("x", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                names = [f.name for f in fields(kind)]
                writer.writerow(names)
                writer.writerows([getattr(row, n) for n in names] for row in make(self.events))
            paths.append(path)
        return paths

    def plot(self, start_s: float = 0.0, end_s: float | None = None) -> Figure:
        """Draw sound with S1 and S2, heart rate, quality and p(abnormal).

        Parameters
        ----------
        start_s, end_s
            The stretch to draw; to the end by default.

        Raises
        ------
        UsageError
            If matplotlib is not installed.
        """
        try:
            from apexbeat.plot import draw
        except ImportError:
            raise UsageError("a plot needs matplotlib", "pip install matplotlib") from None
        return draw(self, start_s, self.duration_s if end_s is None else end_s)

    @property
    def _row(self) -> Row:
        return row_of(self._summary, self.file)

    @cached_property
    def _summary(self) -> Summary:
        if self.told is not None:
            return self.told
        collector = Collector(self.name, Settings())
        collector.take(ev.Output(events=self.events))
        return collector.result()

    def _table(self, name: str) -> Any:
        kind, make = tables.MAKERS[name]
        return _frame(kind, make(self.events))


def _frame(kind: type, rows: Sequence[Any]) -> Any:
    """A DataFrame with the columns of ``kind``, or the rows where there is no pandas."""
    try:
        import pandas as pd
    except ImportError:
        return list(rows)
    names = [f.name for f in fields(kind)]
    return pd.DataFrame({n: [getattr(row, n) for row in rows] for n in names}, columns=names)
