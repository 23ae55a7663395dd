"""`apexbeat-train segmentation`: fits the cycle decoder's emission, fold by fold and on all.

Weights are kept in the user's cache folder under the name of the fit, so that an interrupted run
goes on where it stopped. The splits are by group (DATA.md); choices between variants were made
on the development groups of `data.development`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.chain import process
from dsp.cycles.durations import DurationSettings
from dsp.cycles.model import CycleModel, Scoring
from training.segmentation.augment import RR_S, SYSTOLE_S
from training.segmentation.data import (
    IGNORE,
    NO_HEART,
    PHANTOM,
    Prepared,
    band_features,
    cache_dir,
    development,
    folds,
)
from training.segmentation.fit import Item, Schedule, fit
from training.segmentation.logistic import learn_logistic
from training.segmentation.network import Shape, arrays
from training.segmentation.onsets import examples, fit_onsets
from training.segmentation.variant import VARIANT
from training.sounds import OTHER, RATE

FOLDS = 5

PHANTOM_WEIGHT = 1.0
"""How often phantoms are drawn, against recordings of a set of as many hours."""

NO_HEART_EACH, _NO_HEART_SEED = 30, 5_000_000
"""Sounds of each kind of `training.sounds.OTHER`, and the first of their seeds."""

LOGISTIC_SCORING = Scoring(scale=0.2, prior_share=1.0)
LOGISTIC_DURATIONS = {"systole_spread": 0.1, "stay": 0.97, "near": 0.029}
"""Weight of a frame of the logistic emission, and tighter durations: it needs them more. Chosen on
development groups."""


@dataclass(frozen=True)
class Part:
    """Which recordings a fit is kept from: a fold, the development groups, a database or none."""

    name: str

    def holds_out(self, prepared: Prepared) -> list[bool]:
        """True for each recording that the fit must not see."""
        items = prepared.recordings
        if self.name == "all":
            return [False] * len(items)
        if self.name == "dev":
            groups = development(items)
            return [r.group in groups for r in items]
        if self.name.startswith("without-"):
            return [r.database == self.name.removeprefix("without-") for r in items]
        fold = folds(items, FOLDS)
        return [fold[r.group] == int(self.name.removeprefix("fold")) for r in items]


def weights_path(part: Part) -> Path:
    """Where the weights of a fit are kept."""
    return cache_dir() / f"{VARIANT}-{part.name}.npz"


def learn(
    prepared: Prepared,
    part: Part,
    schedule: Schedule,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> dict[str, NDArray[np.float32]]:
    """Weights of the emission fitted without ``part`` (from the cache if they are there)."""
    path = weights_path(part)
    if path.exists():
        return dict(np.load(path))
    kept = [annotated(labels) for labels in prepared.labels]
    frames: dict[str, int] = {}
    for r, span in zip(prepared.recordings, kept, strict=True):
        frames[r.database] = frames.get(r.database, 0) + span.stop - span.start
    items = [
        Item(
            features[k], labels[k],
            (k.stop - k.start) / frames[r.database] ** 0.5
            * (PHANTOM_WEIGHT if r.database == PHANTOM else 1.0),
            warped=r.database != PHANTOM,
        )
        for r, features, labels, k, out in zip(
            prepared.recordings, prepared.features, prepared.labels, kept,
            part.holds_out(prepared), strict=True,
        )
        if not out
    ]  # fmt: skip
    weights = arrays(fit(items + no_heart(), Shape(), schedule, report))
    with path.with_suffix(".part").open("wb") as file:
        np.savez(file, **weights)  # type: ignore[arg-type]
    path.with_suffix(".part").rename(path)
    return weights


def no_heart() -> list[Item]:
    """Sounds in which no heart is, to learn that none is there: lungs, speech, a table, ..."""
    features = [
        band_features(process(make(_NO_HEART_SEED + k, 30.0).astype(np.float32), RATE))
        for make in OTHER.values()
        for k in range(NO_HEART_EACH)
    ]
    length = sum(len(f) for f in features)
    return [
        Item(f, np.full(len(f), NO_HEART, np.uint8), len(f) / length**0.5, warped=False)
        for f in features
    ]


def annotated(labels: NDArray[np.uint8]) -> slice:
    """The frames to learn from: up to 5 s before what is annotated, and 2 s after."""
    known = np.flatnonzero(labels != IGNORE)
    if not len(known):
        return slice(0, 0)
    return slice(max(0, int(known[0]) - 250), min(len(labels), int(known[-1]) + 100))


def learn_onsets(prepared: Prepared, part: Part) -> dict[str, NDArray[np.float32]]:
    """Weights of the onsets' network fitted without ``part`` (from the cache if they are there)."""
    path = cache_dir() / f"{VARIANT}-onsets-{part.name}.npz"
    if path.exists():
        return dict(np.load(path))
    seen = [k for k, out in enumerate(part.holds_out(prepared)) if not out]
    weights = fit_onsets(examples(prepared, seen, np.random.default_rng(0)))
    np.savez(path, **weights)  # type: ignore[arg-type]
    return weights


def model_of(
    weights: dict[str, NDArray[np.float32]], onsets: dict[str, NDArray[np.float32]] | None = None
) -> CycleModel:
    """A decoder's model around fitted weights."""
    return CycleModel(
        "network", weights, DurationSettings(RR_S, SYSTOLE_S), onsets=onsets if onsets else {}
    )


def fitted(
    prepared: Prepared,
    part: Part,
    schedule: Schedule,
    report: Callable[[int, float], None] = lambda step, loss: None,
) -> CycleModel:
    """The model whose fits have not seen ``part``, but for calibration and doubt."""
    return model_of(learn(prepared, part, schedule, report), learn_onsets(prepared, part))


def logistic_model(prepared: Prepared, fold: int) -> CycleModel:
    """The decoder with the emission of the publications, fitted without ``fold``."""
    path = cache_dir() / f"logistic-fold{fold}.npz"
    if path.exists():
        weights = dict(np.load(path))
    else:
        weights = learn_logistic(prepared, Part(f"fold{fold}").holds_out(prepared))
        np.savez(path, **weights)  # type: ignore[arg-type]
    durations = DurationSettings(RR_S, SYSTOLE_S, **LOGISTIC_DURATIONS)  # type: ignore[arg-type]
    return CycleModel("logistic", weights, durations, LOGISTIC_SCORING)
