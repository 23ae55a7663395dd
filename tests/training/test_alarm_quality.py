"""Alarm figures: streams, the rule at other settings, and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from monitor import events as ev
from monitor.alarms.episodes import Episode
from monitor.config.load import Alarms
from training.alarms.choice import Rule, chosen, curve, first_alarm
from training.alarms.measure import StreamResult, figures
from training.alarms.rates import RateCheck, annotated_rate, check
from training.alarms.streams import LOSS_S, Stream, stream_of
from training.datasets import Recording


def recording(folder: Path, name: str, seconds: float, label: int = 0) -> Recording:
    sound = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * 2000))
    soundfile.write(folder / f"{name}.wav", sound, 2000)
    return Recording(name, "a", label, 1, "a-1", folder / f"{name}.wav")


def heard(label: int, alarms: tuple[tuple[str, float], ...], database: str = "a") -> StreamResult:
    return StreamResult("g", database, label, 0.5, 0.0, alarms, ())


def test_a_short_subject_is_repeated_to_a_minute_and_says_so(tmp_path: Path) -> None:
    stream = stream_of([recording(tmp_path, "x", 15)], np.random.default_rng(0), trouble=False)
    assert stream.sound.size == 60 * 2000
    assert stream.repeated == pytest.approx(0.75)


def test_trouble_is_the_same_for_the_same_seed_and_stays_within_full_scale(tmp_path: Path) -> None:
    own = [recording(tmp_path, "x", 70)]
    one, two = (stream_of(own, np.random.default_rng(3)).sound for _ in range(2))
    np.testing.assert_array_equal(one, two)
    calm = stream_of(own, np.random.default_rng(3), trouble=False).sound
    assert np.abs(one).max() < 1
    assert not np.array_equal(one, calm)


def test_the_rule_needs_fifteen_windows_enough_of_them_over() -> None:
    rule = Rule(0.5, 11, 0.0)
    windows = [(float(k), 0.9) for k in range(20)]
    assert first_alarm(windows, rule) == 14.0
    assert first_alarm(windows[:14], rule) is None
    assert first_alarm([(float(k), 0.9 if k % 2 else 0.2) for k in range(40)], rule) is None
    assert first_alarm([(4.0 * k, 0.9) for k in range(40)], rule) is None


def test_a_rule_that_is_held_must_last_and_begins_anew_when_it_was_broken() -> None:
    rule = Rule(0.5, 15, 10.0)
    windows = [(float(k), 0.9) for k in range(40)]
    assert first_alarm(windows, rule) == 24.0
    windows[20] = (20.0, 0.1)
    assert first_alarm(windows, rule) is None  # 14 to 20, and not long enough after 35
    windows += [(float(k), 0.9) for k in range(40, 50)]
    assert first_alarm(windows, rule) == 45.0


def test_the_rule_of_a_fold_is_chosen_on_the_other_folds() -> None:
    loud = tuple((float(k), 0.9) for k in range(20))
    soft = tuple((float(k), 0.6) for k in range(20))
    low, high = Rule(0.5, 15, 0.0), Rule(0.8, 15, 0.0)

    def subjects(fold: int, normal: tuple[tuple[float, float], ...]) -> list[StreamResult]:
        return [
            StreamResult("n", "a", 0, 0.1, 0, (), normal, fold),
            StreamResult("x", "a", 1, 0.1, 0, (), loud, fold),
            StreamResult("y", "a", 1, 0.1, 0, (), soft, fold),
        ]

    said = chosen([*subjects(0, soft), *subjects(1, ())], [low, high])
    # Fold 0 alone alarms its normal subject under the low rule, which the others would choose.
    assert said["by all"].startswith("15 of 15 at 0.8")
    assert said["by the other folds"][0].startswith("15 of 15 at 0.5")
    assert said["by the other folds"][1].startswith("15 of 15 at 0.8")
    assert said["on all"]["normal_alarmed"] == 0
    assert said["on unseen folds"]["normal_alarmed"] == 0.5


def test_no_rule_within_the_limit_is_said() -> None:
    windows = tuple((float(k), 0.9) for k in range(20))
    many = [
        StreamResult("n", "a", label, 0.1, 0, (), windows, k) for k in (0, 1) for label in (0, 1)
    ]
    said = chosen(many, [Rule(0.5, 15, 0.0)])
    assert (said["by all"], said["on all"]) == ("none within the limit", {})
    assert said["on unseen folds"]["abnormal_alarmed"] == 0


def test_a_contact_loss_leaves_the_room_and_the_handling(tmp_path: Path) -> None:
    stream = stream_of([recording(tmp_path, "x", 70)], np.random.default_rng(3), minutes=2)
    assert stream.sound.size == 120 * 2000
    lost = [(a, b) for a, b in stream.troubled if b - a == LOSS_S * 2000]
    assert len(lost) == 2
    start, end = lost[0]
    parts = (stream.sound[start + 2000 : end - 2000], stream.sound[start : start + 800])
    middle, edge = (float(np.sqrt(np.mean(part**2))) for part in parts)
    assert 0.0003 < middle < 0.005
    assert edge > 0.02


def _episode(kind: str, start: int) -> Episode:
    line = ev.Alarm(index=start, kind=kind, priority="medium", state="active", evidence="")
    return Episode(1, kind, "medium", start, None, None, None, "active", "", transitions=(line,))


def _with_rates(*lengths: int, troubled: tuple[tuple[int, int], ...] = ()) -> list[RateCheck]:
    raised = [_episode("tachycardia", 40_000)]
    onsets = {"x": np.cumsum([0, *lengths])}
    size = int(onsets["x"][-1])
    sound = np.zeros(size, np.float32)
    stream = Stream("g", "a", 0, sound, 0.0, (("x", 0),), troubled)
    return check(stream, annotated_rate(stream, onsets), raised, Alarms())


def test_a_rate_alarm_is_right_if_the_annotated_rate_was_beyond_its_limit() -> None:
    fast = _with_rates(*[2000] * 10, *[900] * 40)
    assert [(one.kind, one.what) for one in fast] == [("tachycardia", "right")]
    slow = _with_rates(*[2000] * 60)
    assert [(one.what, round(one.rate)) for one in slow] == [("false", 60)]
    nothing = _with_rates(*[2000] * 4)
    assert [one.what for one in nothing] == ["unknown"]


def test_a_long_stretch_beyond_a_limit_without_an_alarm_was_missed_unless_in_trouble() -> None:
    lengths = [900] * 60 + [2000] * 10 + [2800] * 20
    found = [(one.kind, one.what) for one in _with_rates(*lengths)]
    assert ("bradycardia", "missed") in found
    assert ("bradycardia_extreme", "missed") not in found
    during = ((sum(lengths[:70]), sum(lengths)),)
    found = [(one.kind, one.what) for one in _with_rates(*lengths, troubled=during)]
    assert ("bradycardia", "missed") not in found


def test_false_alarms_are_those_of_normal_subjects_and_rate_alarms_are_apart() -> None:
    said = figures(
        [
            heard(0, (("abnormal_sound", 20.0), ("tachycardia", 9.0))),
            heard(0, ()),
            heard(1, (("abnormal_sound", 30.0),)),
            heard(1, ()),
        ]
    )
    assert said["pooled"]["false_per_hour"] == 1.0
    assert said["pooled"]["normal_alarmed"] == 0.5
    assert said["pooled"]["abnormal_alarmed"] == 0.5
    assert said["pooled"]["seconds_to_alarm"]["median"] == 30.0
    assert said["pooled"]["rate_alarms"]["right"] == 0


def test_a_higher_threshold_never_alarms_more_subjects() -> None:
    rng = np.random.default_rng(1)
    many = [
        StreamResult(
            "g",
            "a",
            k % 2,
            0.1,
            0,
            (),
            tuple((float(t), p) for t, p in enumerate(rng.random(40))),
        )
        for k in range(20)
    ]
    rows = curve(many, [Rule(t, 8, 0.0) for t in (0.3, 0.4, 0.5, 0.6)])
    shares = [row["abnormal_alarmed"] for row in rows]
    assert shares == sorted(shares, reverse=True)
