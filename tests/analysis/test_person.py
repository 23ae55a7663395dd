"""A person's verdict from those of the recordings."""

from __future__ import annotations

import pytest

from monitor.analysis.person import RULES, judge_person, person_logit
from monitor.analysis.verdict import Judgement, Thresholds, logit

THRESHOLDS = Thresholds(0.38, 0.62)


def _recording(p: float | None) -> Judgement:
    value = "none" if p is None else THRESHOLDS.judge(p)
    return Judgement(value, p, () if p is None else (p,) * 5, 0.62, None, "")


def test_recordings_without_a_verdict_say_nothing() -> None:
    alone = judge_person([_recording(0.8)], THRESHOLDS)
    beside = judge_person([_recording(None), _recording(0.8), _recording(None)], THRESHOLDS)
    assert (beside.value, beside.p, beside.ps) == (alone.value, alone.p, alone.ps)
    assert "2 without a verdict" in beside.evidence
    few = Judgement("none", 0.9, (0.9,), 0.62, None, "few")
    assert judge_person([few, _recording(0.1)], THRESHOLDS).ps == (0.1,)


def test_without_any_verdict_a_person_has_none() -> None:
    for recordings in ([], [_recording(None)] * 3):
        found = judge_person(recordings, THRESHOLDS)
        assert (found.value, found.p, found.ps) == ("none", None, ())
        assert f"none of {len(recordings)}" in found.evidence


def test_one_recording_is_judged_as_it_was() -> None:
    for p in (0.05, 0.5, 0.7):
        found = judge_person([_recording(p)], THRESHOLDS)
        assert found.p == pytest.approx(p)
        assert found.value == THRESHOLDS.judge(p)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_lies_within_the_recordings_and_has_no_order(rule: str) -> None:
    z = [logit(p) for p in (0.2, 0.9, 0.4)]
    found = person_logit(z, rule)
    assert min(z) <= found <= max(z)
    assert found == pytest.approx(person_logit(z[::-1], rule))


def test_a_murmur_heard_at_one_of_four_places_counts_more_than_a_fourth() -> None:
    places = [_recording(p) for p in (0.3, 0.3, 0.95, 0.3)]
    found = judge_person(places, THRESHOLDS)
    mean = sum(logit(0.3) for _ in range(3)) / 4 + logit(0.95) / 4
    assert found.p is not None
    assert logit(found.p) > mean
    assert "1 of 4 recordings" in found.evidence
