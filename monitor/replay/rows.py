"""One recording as one flat row: what `replay --json`, `--csv`, an archive and the library give.

All keys are always there, None where unknown, and no value is a list or an object, so that a row
is a line of JSON, a line of CSV and a row of a data frame alike.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from monitor.analysis.summary import Summary
from monitor.events import VerdictValue
from monitor.record.export.csv import Cell, safe
from monitor.text import harmless


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One recording; times in seconds, rate in 1/min, intervals in ms.

    Attributes
    ----------
    name, file
        What it is called, and its path.
    quality, heard
        Shares of it with a good signal, and in which a heart is heard.
    s2_db, systole_db, diastole_db
        Loudness of the parts of the cycle against S1, in dB.
    murmur
        Where it is loudest (`monitor.loudness.PartLevels.place`), of an abnormal verdict.
    verdict, p, abnormal, windows, evidence
        ``p`` is at equal priors; ``abnormal`` the plain question (p above 0.5).
    alarms, alarm_kinds
        How many were raised, and of which kinds, each with its number where it came again.
    ecg_rate, ecg_r_s1_ms
        Of an electrocardiogram in the same file.
    warnings, faults
        What is missing of the file, and what went wrong; several with semicolons between them.
    error
        Why the recording could not be judged; everything else is unknown then.
    """

    name: str
    file: str
    duration_s: float | None = None
    rate: float | None = None
    rate_uncertainty: float | None = None
    systole_ms: float | None = None
    diastole_ms: float | None = None
    spread: float | None = None
    beats: int | None = None
    quality: float | None = None
    heard: float | None = None
    s2_db: float | None = None
    systole_db: float | None = None
    diastole_db: float | None = None
    murmur: str | None = None
    verdict: VerdictValue | None = None
    p: float | None = None
    abnormal: bool | None = None
    windows: int | None = None
    evidence: str | None = None
    alarms: int | None = None
    alarm_kinds: str | None = None
    gaps: int | None = None
    complete: bool | None = None
    channel: str | None = None
    ecg_rate: float | None = None
    ecg_r_s1_ms: float | None = None
    warnings: str | None = None
    faults: str | None = None
    error: str | None = None


KEYS = Row.__struct_fields__


def row_of(summary: Summary, file: str) -> Row:
    """Make the row of a recording that was judged."""
    kinds = Counter(entry.kind for entry in summary.alarms)
    ecg, loud = summary.reference, summary.loudness
    return Row(
        name=summary.name,
        file=file,
        duration_s=summary.duration_s,
        rate=summary.rate,
        rate_uncertainty=summary.rate_uncertainty,
        systole_ms=summary.systole_ms,
        diastole_ms=summary.diastole_ms,
        spread=summary.spread,
        beats=summary.beats,
        quality=_share(summary.quality_s, "good"),
        heard=_share(summary.heart_s, "heard"),
        s2_db=None if loud is None else loud.s2_db,
        systole_db=None if loud is None else loud.systole_db,
        diastole_db=None if loud is None else loud.diastole_db,
        murmur=summary.murmur,
        verdict=summary.verdict.value,
        p=summary.verdict.p,
        abnormal=summary.verdict.abnormal,
        windows=summary.verdict.windows,
        evidence=summary.verdict.evidence,
        alarms=len(summary.alarms),
        alarm_kinds=", ".join(k if n == 1 else f"{k} {n}" for k, n in sorted(kinds.items())),
        gaps=summary.gaps,
        complete=summary.complete,
        channel=summary.channel,
        ecg_rate=None if ecg is None else ecg.rate,
        ecg_r_s1_ms=None if ecg is None else ecg.r_s1_ms,
        warnings="; ".join(summary.warnings),
        faults="; ".join(summary.faults),
    )


def _share(seconds: Mapping[str, float], value: str) -> float | None:
    whole_s = sum(seconds.values())
    return round(seconds.get(value, 0.0) / whole_s, 4) if whole_s else None


def csv_text(rows: Iterable[Mapping[str, Cell]], columns: Sequence[str]) -> str:
    """Return rows as CSV (RFC 4180): unknown values are empty, true and false 1 and 0."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return out.getvalue()


def _cell(value: Cell) -> Cell:
    if isinstance(value, bool):
        return int(value)
    return safe(harmless(value, 4096)) if isinstance(value, str) else value
