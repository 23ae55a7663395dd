"""A person's verdict from those of the recordings."""

from __future__ import annotations

import pytest

from monitor.analysis.person import RULES, Judged, judge_person, person_logit
from monitor.analysis.verdict import Thresholds, logit

THRESHOLDS = Thresholds(0.38, 0.62)


def _places(*ps: float | None) -> list[Judged]:
    return [
        (f"place {number}", "none" if p is None else THRESHOLDS.judge(p), p)
        for number, p in enumerate(ps, start=1)
    ]


def test_recordings_without_a_verdict_are_named_and_do_not_decide() -> None:
    alone = judge_person(_places(0.8), THRESHOLDS)
    beside = judge_person(_places(None, 0.8, None), THRESHOLDS)
    assert (beside.value, beside.p) == (alone.value, alone.p)
    assert (alone.scope, beside.scope) == ("1 of 1", "1 of 3")
    assert beside.not_judged == ("place 1", "place 3")
    assert beside.evidence.endswith("2 of 3 not judged: place 1, place 3")
    assert "not judged" not in alone.evidence
    many = judge_person(_places(0.8, *[None] * 5), THRESHOLDS)
    assert many.evidence.endswith("5 of 6 not judged: place 2, place 3, place 4 and 2 more")
    few: list[Judged] = [("few", "none", 0.9), *_places(0.1)]  # a p that is no verdict
    assert judge_person(few, THRESHOLDS).p == pytest.approx(0.1)


@pytest.mark.parametrize("silent", range(5))
def test_a_person_is_normal_only_if_half_of_the_places_could_be_judged(silent: int) -> None:
    places = [*_places(0.1, 0.2, 0.1, 0.1)[silent:], *_places(*[None] * silent)]
    found = judge_person(places, THRESHOLDS, "places")
    assert found.value == ("normal", "normal", "normal", "unsure", "none")[silent]
    assert found.judged == 4 - silent
    assert ("too few places judged" in found.evidence) == (silent == 3)
    assert ("not judged" in found.evidence) == (0 < silent < 4)
    murmur = judge_person([*places, *_places(0.9)], THRESHOLDS)
    assert murmur.value == "abnormal"  # what was heard is not taken back by what was not


def test_without_any_verdict_a_person_has_none() -> None:
    for recordings in ([], _places(None, None, None)):
        found = judge_person(recordings, THRESHOLDS)
        assert (found.value, found.p, found.judged) == ("none", None, 0)
        assert f"none of {len(recordings)}" in found.evidence


def test_one_recording_is_judged_as_it_was() -> None:
    for p in (0.05, 0.5, 0.7):
        found = judge_person(_places(p), THRESHOLDS)
        assert found.p == pytest.approx(p)
        assert found.value == THRESHOLDS.judge(p)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_lies_within_the_recordings_and_has_no_order(rule: str) -> None:
    z = [logit(p) for p in (0.2, 0.9, 0.4)]
    found = person_logit(z, rule)
    assert min(z) <= found <= max(z)
    assert found == pytest.approx(person_logit(z[::-1], rule))


def test_a_murmur_heard_at_one_of_four_places_counts_more_than_a_fourth() -> None:
    found = judge_person(_places(0.3, 0.3, 0.95, 0.3), THRESHOLDS)
    mean = sum(logit(0.3) for _ in range(3)) / 4 + logit(0.95) / 4
    assert found.p is not None
    assert logit(found.p) > mean
    assert "1 of 4 recordings" in found.evidence
