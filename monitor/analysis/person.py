"""One verdict for a person with several recordings: places of the chest, or visits.

A murmur is often heard at one place and not at the others, so the recording that sounds most
abnormal decides: of three rules it ranks persons of CirCor best, also where only two recordings of
each are looked at (``training/experiments/gate.py``). A recording without a verdict cannot say that
a person is normal: it is named, and where most are like that, nobody is called normal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.analysis.verdict import Thresholds, logit, sigmoid
from monitor.events import VerdictValue

MIN_JUDGED = 0.5
"""Share of the recordings that must have a verdict for a person to be normal. Of the children with
a murmur by whom it was chosen, one place of four alone calls 18 % normal, two 7 %, three 2 %, all
four none; of the others 31, 20, 15 and 11 % (``places heard`` in
docs/results/gate-student-4-diastolic.json)."""
NAMED = 3
"""Recordings without a verdict that are named; of more, the number."""


def _mean(z: Sequence[float]) -> float:
    return sum(z) / len(z)


RULES: dict[str, Callable[[Sequence[float]], float]] = {
    "maximum": max,
    "mean": _mean,
    "mean of both": lambda z: (max(z) + _mean(z)) / 2,
}
"""From the logits of a person's recordings to the person's."""
RULE = "maximum"

Judged = tuple[str, VerdictValue, float | None]
"""Name, verdict and p of a recording."""


@dataclass(frozen=True, slots=True)
class PersonVerdict:
    """The verdict on a person.

    Attributes
    ----------
    value, p
        The verdict, and p of the recording that decides (None without a verdict).
    recordings
        How many there are.
    not_judged
        Names of those without a verdict.
    evidence
        Words.
    """

    value: VerdictValue
    p: float | None
    recordings: int
    not_judged: tuple[str, ...]
    evidence: str

    @property
    def judged(self) -> int:
        """How many recordings have a verdict."""
        return self.recordings - len(self.not_judged)

    @property
    def scope(self) -> str:
        """What it rests on, such as "4 of 5"."""
        return f"{self.judged} of {self.recordings}"


def person_logit(z: Sequence[float], rule: str = RULE) -> float:
    """Logit of a person from those of the recordings (at least one)."""
    return RULES[rule](z)


def judge_person(
    recordings: Sequence[Judged], thresholds: Thresholds, what: str = "recordings"
) -> PersonVerdict:
    """Judge a person by the verdicts of all recordings.

    Parameters
    ----------
    recordings
        All of them; ``none`` where one could not be judged.
    what
        Plural of a recording, for the evidence.

    Returns
    -------
    ``none`` where no recording has a verdict; ``unsure`` in place of ``normal`` where fewer than
    `MIN_JUDGED` of them have one.
    """
    count = len(recordings)
    ps = [p for _, value, p in recordings if value != "none" and p is not None]
    silent = tuple(name for name, value, p in recordings if value == "none" or p is None)
    if not ps:
        return PersonVerdict("none", None, count, silent, f"none of {count} {what} has a verdict")
    p = sigmoid(person_logit([logit(one) for one in ps]))
    value = thresholds.judge(p)
    over = sum(one >= thresholds.abnormal for one in ps)
    words = f"{over} of {len(ps)} {what} ≥ {thresholds.abnormal:.2f}, together p {p:.2f}"
    if value == "normal" and len(ps) < MIN_JUDGED * count:
        value, words = "unsure", f"too few {what} judged for normal: {words}"
    if silent:
        words += f"; {len(silent)} of {count} not judged: {_named(silent)}"
    return PersonVerdict(value, p, count, silent, words)


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
