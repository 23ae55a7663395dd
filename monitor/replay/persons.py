"""Rows of recordings, gathered by person, and one verdict for each person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.analysis.person import judge_person
from monitor.analysis.verdict import Judgement, Thresholds
from monitor.replay.rows import Row


@dataclass(frozen=True, slots=True)
class Person:
    """A person: the rows of the recordings (those that could be judged), and the verdict."""

    name: str
    rows: Sequence[Row]
    judgement: Judgement


def judge_persons(rows: Iterable[tuple[str, Row]], thresholds: Thresholds) -> list[Person]:
    """Judge each person by all recordings of them, in the order of their first ones."""
    own: dict[str, list[Row]] = {}
    for name, row in rows:
        if row.error is None:
            own.setdefault(name, []).append(row)
    return [Person(name, mine, judge_rows(mine, thresholds)) for name, mine in own.items()]


def judge_rows(rows: Sequence[Row], thresholds: Thresholds) -> Judgement:
    """One verdict over all recordings of a person."""
    return judge_person([judgement_of(row, thresholds) for row in rows], thresholds)


def judgement_of(row: Row, thresholds: Thresholds) -> Judgement:
    """The verdict that a row tells of."""
    value, words = row.verdict or "none", row.evidence or ""
    return Judgement(value, row.p, (), thresholds.abnormal, None, words, count=row.windows or 0)
