"""Fit and evaluate the signal quality: ``python -m training.quality --data ../shared/data``.

Writes the numbers of the package (`dsp/quality.npz`) and the figures
(`docs/results/quality.json`): cross-validated in five folds by group, and with each database of
cinc2016 held out in turn. Every rejected second is one that the judge of the product rejected.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dsp.phantom import PRESETS, render
from dsp.quality_judge import Parameters, QualityValue
from dsp.stage import RATE_HZ
from monitor.replay.scores import auc
from training.datasets import DATABASES
from training.quality.data import GOOD, NO_HEART, NOISY, Sample, collect, vectors
from training.quality.fit import (
    CLEAN_LOST,
    WEIGHTS,
    fit,
    judged,
    margins,
    threshold,
    with_threshold,
    write,
)

FOLDS = 5
RESAMPLES = 300
OTHERS: tuple[QualityValue, ...] = ("clipped", "noisy", "no_heart")
ROOT = Path(__file__).parents[2]


def held_out(
    samples: Sequence[Sample], fold_of: Callable[[Sample], int]
) -> tuple[list[NDArray[np.float64]], list[Parameters]]:
    """Margins and parameters of each sample from a fit that did not see its fold.

    Samples of fold -1 are always fitted on; their own margins mean nothing.
    """
    folds = np.array([fold_of(sample) for sample in samples])
    fits = {
        int(fold): fit([s for s, f in zip(samples, folds, strict=True) if f != fold])
        for fold in np.unique(folds[folds >= 0])
    }
    fitted = [fits[max(int(fold), 0)] for fold in folds]
    found = [margins(p, sample.vectors) for p, sample in zip(fitted, samples, strict=True)]
    return found, fitted


def group_fold(samples: Sequence[Sample], seed: int = 1) -> Callable[[Sample], int]:
    """Fold of a sample's group."""
    groups = sorted({sample.group for sample in samples})
    places = np.random.default_rng(seed).permutation(len(groups)) % FOLDS
    fold = dict(zip(groups, places.tolist(), strict=True))
    return lambda sample: int(fold[sample.group])


def clean_threshold(samples: Sequence[Sample], found: Sequence[NDArray[np.float64]]) -> float:
    """Threshold from the held-out, hand-annotated clean spans."""
    return threshold(
        np.concatenate(
            [
                margin[sample.labels == GOOD]
                for sample, margin in zip(samples, found, strict=True)
                if sample.source == "cinc"
            ]
        )
    )


def record_level(
    samples: Sequence[Sample], found: Sequence[NDArray[np.float64]], seed: int = 0
) -> dict[str, object]:
    """AUC of the mean margin, quality 0 against 1, pooled and within databases."""
    rows = [
        (sample.group, sample.database, sample.quality, float(margin.mean()))
        for sample, margin in zip(samples, found, strict=True)
        if sample.source == "cinc" and sample.quality >= 0 and len(margin)
    ]
    groups, databases, good, score = (np.array(column) for column in zip(*rows, strict=True))
    rng = np.random.default_rng(seed)
    by_group = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    draws = []
    for _ in range(RESAMPLES):
        picked = rng.integers(len(by_group), size=len(by_group))
        index = np.concatenate([by_group[place] for place in picked])
        draws.append(auc(good[index], score[index]))
    return {
        "recordings": len(rows),
        "auc": round(auc(good, score), 4),
        "interval_95": [round(float(np.nanquantile(draws, q)), 4) for q in (0.025, 0.975)],
        "within": {
            name: round(auc(good[databases == name], score[databases == name]), 4)
            for name in DATABASES
        },
    }


def rejected(
    samples: Sequence[Sample], fitted: Sequence[Parameters], limit: float
) -> dict[str, object]:
    """Seconds of each kind that the judge did not call good, and as what."""
    kinds: dict[str, list[QualityValue]] = {}
    for sample, parameters in zip(samples, fitted, strict=True):
        values = judged(with_threshold(parameters, limit), sample)
        for label, value in zip(sample.labels.tolist(), values, strict=True):
            for key in _keys(sample, label):
                kinds.setdefault(key, []).append(value)
    table: dict[str, object] = {}
    for key, values in sorted(kinds.items()):
        row: dict[str, float] = {"seconds": len(values) / 2}
        row["not_good"] = round(1.0 - values.count("good") / len(values), 4)
        for value in OTHERS:
            row[value] = round(values.count(value) / len(values), 4)
        table[key] = row
    return table


def _keys(sample: Sample, label: int) -> list[str]:
    """Rows of the table that a span counts in."""
    if sample.source == "cinc":
        if label == GOOD:
            return ["clean", f"clean {sample.database}"]
        if label == NOISY:
            return ["quality 0" if sample.quality == 0 else "noise span of quality 1"]
        return []
    if sample.source == "pascal":
        if label == NO_HEART:
            return ["artifact"]
        return ["set_b noisy" if sample.quality == 0 else "set_b"]
    if sample.source in ("mixed", "noise"):
        word = {GOOD: "soft", NOISY: "loud", NO_HEART: "alone"}[label]
        return [f"{sample.kind} noise {'alone' if sample.source == 'noise' else word}"]
    return [sample.source]


def phantoms(fitted: Parameters) -> dict[str, float]:
    """Share of good spans of each phantom (never trained on)."""
    table = {}
    for name, phantom in PRESETS.items():
        found, loud = vectors(render(phantom).sound, RATE_HZ)
        labels = np.zeros(len(found), np.int8)
        sample = Sample("phantom", "", name, name, -1, found, loud, labels)
        values = judged(fitted, sample)
        table[name] = round(values.count("good") / len(values), 4)
    return table


def evaluate(samples: Sequence[Sample]) -> tuple[Parameters, dict[str, object]]:
    """Fit on everything; figures from fits that did not see what they judge."""
    margin, fitted = held_out(samples, group_fold(samples))
    limit = clean_threshold(samples, margin)
    places = {name: place for place, name in enumerate(DATABASES)}
    other, other_fitted = held_out(samples, lambda s: places.get(s.database, -1))
    final = with_threshold(fit(samples), limit)
    return final, {
        "what": "signal quality: good against not good; five folds by group",
        "targets": {"auc": 0.90, "artifact_not_good": 0.95, "clean_rejected": 0.03},
        "clean_lost_by_design": CLEAN_LOST,
        "threshold": round(limit, 4),
        "weights": {f"{source} {label}": weight for (source, label), weight in WEIGHTS.items()},
        "quality_0_against_1": record_level(samples, margin),
        "seconds": rejected(samples, fitted, limit),
        "database_held_out": {
            "quality_0_against_1": record_level(samples, other),
            "seconds": rejected(
                [sample for sample in samples if sample.database in places],
                [p for p, s in zip(other_fitted, samples, strict=True) if s.database in places],
                limit,
            ),
        },
        "phantoms_good": phantoms(final),
    }


def main() -> None:
    """Collect, fit, evaluate, write."""
    parser = argparse.ArgumentParser(
        prog="python -m training.quality", description="Fit and evaluate the signal quality."
    )
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--numbers", type=Path, default=ROOT / "dsp" / "quality.npz")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results" / "quality.json")
    options = parser.parse_args()
    samples = [sample for sample in collect(options.data) if len(sample.labels)]
    fitted, figures = evaluate(samples)
    save(fitted, figures, options.numbers, options.out)


def save(fitted: Parameters, figures: dict[str, object], numbers: Path, out: Path) -> None:
    """Write numbers and figures."""
    write(fitted, numbers)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{numbers}\n{out}\n")


if __name__ == "__main__":
    main()
