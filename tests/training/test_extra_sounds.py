"""The experiment about S3, S4, clicks and opening snaps: what is put in is seen."""

from __future__ import annotations

import numpy as np
import pytest

from dsp.phantom import Phantom, render
from training.experiments.extra_sounds import features, fit
from training.experiments.extra_sounds_made import KINDS, added, draw

HEART = Phantom(duration_s=15.0, rate_per_min=65.0, seed=3)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_sound_in_every_beat_stands_out_of_the_pooled_level(name: str) -> None:
    heard = render(HEART)
    sound = added(heard.sound, heard.beats, {name}, np.random.default_rng(1))
    without = features(heard.sound, heard.beats, KINDS[name])
    with_it = features(sound, heard.beats, KINDS[name])
    assert without is not None
    assert with_it is not None
    assert with_it[1] > without[1] + 3  # dB
    assert with_it[2] > without[2]


def test_nothing_is_put_in_unless_asked_for() -> None:
    heard = render(HEART)
    same = added(heard.sound, heard.beats, (), np.random.default_rng(1))
    np.testing.assert_array_equal(same, heard.sound)


def test_one_cycle_is_too_few() -> None:
    heard = render(HEART)
    assert features(heard.sound, heard.beats[1:2], KINDS["s3"]) is None


def test_phantoms_have_the_sounds_that_they_are_labelled_with() -> None:
    for seed in range(20):
        heart, has = draw(np.random.default_rng(seed))
        told = {"s3": heart.sounds.s3_db, "s4": heart.sounds.s4_db, "snap": heart.sounds.snap_db}
        assert {name for name, level in told.items() if level is not None} == has - {"click"}


def test_the_threshold_lets_one_in_twenty_of_the_plain_hearts_pass() -> None:
    rng = np.random.default_rng(0)

    def case(present: bool) -> tuple[frozenset[str], dict[str, np.ndarray | None]]:
        row = np.concatenate([[1.0], rng.normal(2.0 * present, 1.0, 5)])
        return frozenset({"s3"} if present else ()), {"s3": row}

    plain = [case(False) for _ in range(400)]
    detector = fit([*plain, *(case(True) for _ in range(400))], plain, "s3")
    told = [detector.score(row["s3"]) > detector.threshold for _, row in plain]  # type: ignore[arg-type]
    assert np.mean(told) == pytest.approx(0.05, abs=0.003)
