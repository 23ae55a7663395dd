"""Alarm figures: streams, the rule at other settings, and what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.alarm_streams import stream_of
from training.alarms import Heard, curve, figures, first_alarm
from training.datasets import Recording


def recording(folder: Path, name: str, seconds: float, label: int = 0) -> Recording:
    sound = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * 2000))
    soundfile.write(folder / f"{name}.wav", sound, 2000)
    return Recording(name, "a", label, 1, "a-1", folder / f"{name}.wav")


def heard(label: int, alarms: tuple[tuple[str, float], ...], database: str = "a") -> Heard:
    return Heard("g", database, label, 0.5, 0.0, alarms, ())


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
    windows = [(float(k), 0.9) for k in range(20)]
    assert first_alarm(windows, 0.5, 11) == 14.0
    assert first_alarm(windows[:14], 0.5, 11) is None
    assert first_alarm([(float(k), 0.9 if k % 2 else 0.2) for k in range(40)], 0.5, 11) is None
    assert first_alarm([(4.0 * k, 0.9) for k in range(40)], 0.5, 11) is None


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
    assert said["pooled"]["rate_alarms"] == 1


def test_a_higher_threshold_never_alarms_more_subjects() -> None:
    rng = np.random.default_rng(1)
    many = [
        Heard(
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
    rows = curve(many, [0.3, 0.4, 0.5, 0.6], (8,))
    shares = [row["abnormal_alarmed"] for row in rows]
    assert shares == sorted(shares, reverse=True)
