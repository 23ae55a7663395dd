"""The model that ships: fitted on every set and the phantoms without the development groups.

The development groups take no part in the fit: they show what it is worth, and calibrate its
confidence. The doubt is fitted on them and on further phantoms; its reliability is that of five
parts by recording, each judged by a fit on the other four.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.doubt import probabilities
from dsp.cycles.model import CycleModel
from training.segmentation import hearts
from training.segmentation.data import (
    Prepared,
    Recording,
    Truth,
    development,
    phantom_recording,
)
from training.segmentation.doubt import OTHER, fit_doubt, outcome, reliability
from training.segmentation.evaluate import Run, evaluate, fit_calibration
from training.segmentation.report import Row, by_database
from training.segmentation.score import reference

FURTHER = 4
"""Further phantoms of each kind for the doubt (more of the hardest)."""
PARTS = 5


def development_places(prepared: Prepared) -> list[int]:
    """Recordings that the fit does not see."""
    chosen = development(prepared.recordings)
    return [k for k, r in enumerate(prepared.recordings) if r.group in chosen]


def further_phantoms() -> Prepared:
    """Phantoms of seeds that neither the emission nor the tables use."""
    items: list[Recording] = []
    truths: list[Truth] = []
    sounds: list[NDArray[np.float32]] = []
    for place, (kind, heart) in enumerate(hearts.doubt_hearts(FURTHER)):
        item, truth, sound = phantom_recording(f"further-{kind}-{place}", kind, heart)
        items.append(item)
        truths.append(truth)
        sounds.append(sound)
    return Prepared(items, truths, sounds, [], [])


def _evidence(prepared: Prepared, run: Run) -> list[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Of each recording of a run: features of the doubt, and what became of each beat."""
    out = []
    for place, beats, features in zip(run.places, run.beats, run.doubts, strict=True):
        ref = reference(prepared.truths[place], len(prepared.sounds[place]))
        out.append((features, np.array([outcome(b, ref) for b in beats], np.int64)))
    return out


def doubt_of(
    prepared: Prepared, run: Run, further: Prepared, more: Run
) -> tuple[dict[str, Row], dict[str, NDArray[np.float32]]]:
    """Reliability of the doubt over parts by recording, and the fit on all of them."""
    cases = _evidence(prepared, run) + _evidence(further, more)
    exact = [*run.exact, *more.exact]
    groups = [prepared.recordings[k].group for k in run.places]
    groups += [further.recordings[k].group for k in more.places]
    part = {g: k % PARTS for k, g in enumerate(sorted(set(groups)))}

    def fit(left_out: int | None) -> dict[str, NDArray[np.float32]]:
        chosen = [c for c, g in zip(cases, groups, strict=True) if part[g] != left_out]
        x, was = (np.concatenate([c[n] for c in chosen]) for n in (0, 1))
        return fit_doubt(x[was != OTHER], was[was != OTHER])

    said: dict[bool, list[tuple[NDArray[np.float32], NDArray[np.int64]]]] = {True: [], False: []}
    for left_out in range(PARTS):
        weights = fit(left_out)
        for (x, was), group, known in zip(cases, groups, exact, strict=True):
            if part[group] == left_out and len(was):
                said[known].append((probabilities(x, weights), was))
    rows = {
        name: reliability(
            np.concatenate([p for p, _ in said[known]]), np.concatenate([w for _, w in said[known]])
        )
        for name, known in (("people", False), ("phantoms", True))
    }
    return rows, fit(None)


def judge(prepared: Prepared, model: CycleModel) -> tuple[Run, dict[str, Row]]:
    """The development groups decoded, and the rows about them."""
    run = evaluate(prepared, development_places(prepared), model)
    return run, by_database([prepared.recordings[k] for k in run.places], run.counts)


def finish(
    prepared: Prepared, model: CycleModel
) -> tuple[CycleModel, dict[str, Row], dict[str, Row]]:
    """Calibrate the confidence and fit the doubt; the model, its rows and those of the doubt."""
    run, rows = judge(prepared, model)
    further = further_phantoms()
    more = evaluate(further, range(len(further.recordings)), model)
    doubts, doubt = doubt_of(prepared, run, further, more)
    return replace(model, calibration=fit_calibration([run]), doubt=doubt), rows, doubts
