"""Which windows the gates of the gate study count, and whose recordings are a person's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monitor.events import Beat, Verdict, Window
from training.datasets import Recording
from training.experiments.gate import (
    GATES,
    GatedRecording,
    figures_of_records,
    heard_of,
    record_logits,
)
from training.experiments.gate_persons import judged_in_part, persons, places_heard


def _beat(s1: int, confidence: float) -> Beat:
    return Beat(
        index=0, s1=s1, systole=None, s2=None, diastole=None, end=None, confidence=confidence
    )


def test_a_window_keeps_its_objection_and_the_confidence_of_its_own_beats() -> None:
    events = [
        _beat(0, 1.0), _beat(4000, 0.5), _beat(5000, 0.0),
        Window(index=0, start=0, p=0.5, used=False, reason="noisy"),
        Window(index=0, start=4000, p=None, used=False, reason="cut"),
        Verdict(index=0, value="none", p=0.5, windows=1, age_s=None),
    ]  # fmt: skip
    assert heard_of(events) == GatedRecording([(0.0, "noisy", 0.75)], None)
    events.append(Verdict(index=0, value="unsure", p=0.5, windows=3, age_s=None))
    assert heard_of(events).verdict == 0.0


def test_noise_alone_is_forgiven_where_the_beats_are_sure() -> None:
    good, noisy, unsure_beats, clipped = (
        (1.0, "", 0.2), (2.0, "noisy", 0.95), (3.0, "noisy", 0.8), (4.0, "clipped", 1.0)
    )  # fmt: skip
    heard = {
        "r": GatedRecording([good, noisy, noisy, unsure_beats, clipped], 5.0),
        "s": GatedRecording([good], None),
    }
    assert record_logits(GATES["strict"], heard) == {"r": 1.0, "s": 1.0}
    assert record_logits(GATES["strict 3"], heard) == {}
    assert record_logits(GATES["noisy beats"], heard) == {"r": 5 / 3}
    assert record_logits(GATES["as built"], heard) == {"r": 5.0}


def test_a_recording_without_a_verdict_is_undecided_and_unlabelled_ones_are_left_out() -> None:
    label = {"a": 1, "b": 0, "c": 1, "d": -1}
    z = {"a": 2.0, "b": -2.0, "d": 9.0}
    found = figures_of_records(label, {n: n for n in label}, z)
    assert found["subjects"] == 3
    assert found["with_verdict"] == 2 / 3
    assert found["auc"] == found["auc_none_undecided"] == 1.0
    assert found["found_of_all_abnormal"] == 0.5


def test_a_person_is_abnormal_where_one_place_is_and_places_are_drawn_alike() -> None:
    own = [Recording(f"p{i}", "circor", label, 1, "p", Path()) for i, label in enumerate([1, -1])]
    other = [Recording("q0", "circor", 0, 1, "q", Path())]
    names, truth, z = persons([*own, *other], {"p0": 1.0, "p1": -1.0}, "maximum")
    assert names == ["p", "q"]
    assert truth.tolist() == [1, 0]
    assert z[0] == 1.0
    assert np.isnan(z[1])
    drawn = {persons([*own, *other], {"p0": 1.0, "p1": -1.0}, "mean", 1, s)[2][0] for s in range(9)}
    assert drawn == {1.0, -1.0}


def test_a_person_heard_at_fewer_places_is_called_normal_more_often() -> None:
    def recordings(name: str, labels: tuple[int, ...]) -> list[Recording]:
        return [
            Recording(f"{name}{k}", "circor", label, 1, name, Path())
            for k, label in enumerate(labels)
        ]

    own = [*recordings("a", (1, -1, -1, -1)), *recordings("b", (0, 0)), *recordings("c", (0, 0))]
    z = {r.name: -3.0 for r in own} | {"a0": 3.0}
    del z["c1"]
    found = places_heard(own, z)["murmur, choosing half"]
    assert found["persons"] == 1
    assert [found[f"{k} of 4"]["normal"] for k in range(1, 5)] == [0.75, 0.5, 0.25, 0.0]
    assert judged_in_part(own, z) == {
        "no murmur, fewer than half judged": 0, "no murmur, normal": 1,
    }  # fmt: skip
