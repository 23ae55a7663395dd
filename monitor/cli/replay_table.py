"""The tables at the end of a replay: recordings, persons, and how they agree with labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from monitor.alarms.table import title
from monitor.events import VerdictValue
from monitor.replay.persons import Person
from monitor.replay.rows import Row
from monitor.replay.scores import Case, Scores, Share, score, worst_first
from monitor.text import clock, harmless

NAME_WIDTH = 32
EVIDENCE_WIDTH, SHORT_WIDTH = 41, 18
ALARMS_WIDTH = 16
"""Least room for alarms beside the evidence in full."""
WORST = 10
"""Recordings in the list of those furthest from their label."""
VERDICTS: tuple[VerdictValue, ...] = ("abnormal", "unsure", "normal", "none")


class RecordingTable:
    """Lines of a table, one recording each, as they come.

    Parameters
    ----------
    names
        Of all recordings: they say how wide the first column is.
    columns
        Of the terminal; in a narrow one the evidence is short. None: room enough.
    """

    def __init__(self, names: Sequence[str], columns: int | None = None) -> None:
        shown = [harmless(name, NAME_WIDTH) for name in names]
        self._width = max([len("recording"), *map(len, shown)])
        self._evidence = EVIDENCE_WIDTH
        whole = len(self.head()) - len("alarms") + ALARMS_WIDTH
        if columns is not None and columns < whole:
            self._evidence = SHORT_WIDTH

    def head(self) -> str:
        """The first line."""
        return self._line("recording", "length", "rate", "good", "verdict", "evidence", "alarms")

    def line(self, row: Row) -> str:
        """The line of a recording."""
        name = harmless(row.name, NAME_WIDTH)
        if row.error is not None:
            why = harmless(row.error.removeprefix(f"{row.file}: "), 80)
            return self._line(name, "--", "--", "--", "failed", why, "")
        return self._line(
            name,
            clock(row.duration_s or 0.0),
            "--" if row.rate is None else f"{row.rate:.0f}",
            "--" if row.quality is None else f"{100 * row.quality:.0f} %",
            (row.verdict or "none").upper(),
            self._words(row),
            _alarms(row),
        )

    def _words(self, row: Row) -> str:
        if self._evidence == EVIDENCE_WIDTH or row.p is None:
            return row.evidence or ""
        return f"p {row.p:.2f}, {row.windows} windows"

    def _line(
        self, name: str, length: str, rate: str, good: str, verdict: str, evidence: str, alarms: str
    ) -> str:
        first = f"{name:{self._width}}  {length:>7}  {rate:>4}  {good:>5}  {verdict:8}"
        return f"{first}  {evidence:{self._evidence}}  {alarms}".rstrip()


def _alarms(row: Row) -> str:
    kinds = (kind.partition(" ") for kind in (row.alarm_kinds or "").split(", ") if kind)
    return ", ".join(title(kind) + (f" ×{count}" if count else "") for kind, _, count in kinds)


def totals(rows: Sequence[Row]) -> str:
    """One line on all recordings together."""
    judged = [row for row in rows if row.error is None]
    verdicts = Counter(row.verdict for row in judged)
    words = [f"{verdicts[one]} {one}" for one in VERDICTS if verdicts[one]]
    if len(judged) < len(rows):
        words.append(f"{len(rows) - len(judged)} failed")
    alarms = sum(row.alarms or 0 for row in judged)
    length = clock(sum(row.duration_s or 0.0 for row in judged))
    alarmed = f"; {alarms} alarms in {sum(bool(row.alarms) for row in judged)}" if alarms else ""
    return f"{len(rows)} recordings, {length} of sound: {', '.join(words)}{alarmed}"


def person_lines(persons: Sequence[Person]) -> Iterator[str]:
    """Yield the table of persons."""
    names = [harmless(person.name, NAME_WIDTH) for person in persons]
    width = max([len("person"), *map(len, names)])
    yield f"{'person':{width}}  {'judged':>8}  verdict   evidence"
    for name, person in zip(names, persons, strict=True):
        told = person.verdict
        evidence = harmless(told.evidence, 200)
        yield f"{name:{width}}  {told.scope:>8}  {told.value.upper():8}  {evidence}"
    counts = Counter(person.verdict.value for person in persons)
    words = ", ".join(f"{counts[one]} {one}" for one in VERDICTS if counts[one])
    partly = sum(0 < person.verdict.judged < person.verdict.recordings for person in persons)
    yield f"{len(persons)} persons: {words}" + (f"; {partly} judged in part" if partly else "")


def score_lines(cases: Sequence[Case], what: str) -> Iterator[str]:
    """Yield how verdicts agree with labels.

    Parameters
    ----------
    what
        Plural of a case.
    """
    found = score(cases)
    abnormal = sum(case.abnormal for case in cases)
    yield f"{len(cases)} labelled {what}: {abnormal} abnormal, {len(cases) - abnormal} normal"
    yield f"  AUC                  {_number(found.auc)} {_interval(found.auc_interval)}".rstrip()
    yield f"  sensitivity, p > 0.5 {_share(found.sensitivity)}"
    yield f"  specificity, p ≤ 0.5 {_share(found.specificity)}"
    yield f"  sensitivity, decided {_share(found.sensitivity_decided)}"
    yield f"  specificity, decided {_share(found.specificity_decided)}"
    yield from _counts(found)


def worst_lines(cases: Sequence[Case]) -> Iterator[str]:
    """Yield the recordings furthest from their label."""
    worst = worst_first(cases)
    if not worst:
        return
    yield f"{len(worst)} on the wrong side of p 0.5, worst first:"
    for case in worst[:WORST]:
        label = "abnormal" if case.abnormal else "normal"
        assert case.p is not None
        verdict = case.verdict.upper()
        yield f"  {harmless(case.name, NAME_WIDTH)}: {label}, judged {verdict} with p {case.p:.2f}"
    if len(worst) > WORST:
        yield f"  and {len(worst) - WORST} more"


def _counts(found: Scores) -> Iterator[str]:
    yield "  label     " + "".join(f"{one.upper():>10}" for one in VERDICTS)
    for abnormal, words in ((True, "abnormal"), (False, "normal")):
        yield f"  {words:10}" + "".join(f"{found.counts[abnormal, one]:10}" for one in VERDICTS)


def _share(one: Share) -> str:
    if not one.of:
        return "--"
    return f"{_number(one.value)} {_interval(one.interval)}, {one.hits} of {one.of}"


def _number(value: float) -> str:
    return "--" if math.isnan(value) else f"{value:.2f}"


def _interval(ends: tuple[float, float]) -> str:
    low, high = ends
    return "" if math.isnan(low) else f"({low:.2f}–{high:.2f})"
