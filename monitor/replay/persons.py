"""Rows of recordings, gathered by person, and one verdict for each person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.analysis.person import PersonVerdict, judge_person
from monitor.analysis.verdict import Thresholds
from monitor.replay.rows import Row


@dataclass(frozen=True, slots=True)
class Person:
    """A person: the rows of all recordings, and the verdict."""

    name: str
    rows: Sequence[Row]
    verdict: PersonVerdict


def judge_persons(rows: Iterable[tuple[str, Row]], thresholds: Thresholds) -> list[Person]:
    """Judge each person by all recordings of them, in the order of their first ones.

    A recording that could not be read is one without a verdict; a person of whom none could be
    read is left out, as those recordings are.
    """
    own: dict[str, list[Row]] = {}
    for name, row in rows:
        own.setdefault(name, []).append(row)
    return [
        Person(name, mine, judge_rows(mine, thresholds))
        for name, mine in own.items()
        if any(row.error is None for row in mine)
    ]


def judge_rows(
    rows: Sequence[Row], thresholds: Thresholds, what: str = "recordings"
) -> PersonVerdict:
    """One verdict over all recordings of a person."""
    return judge_person(
        [(row.name, row.verdict or "none", row.p) for row in rows], thresholds, what
    )
