"""Where decoder and annotation swap S1 and S2: which of them does the heart itself support?

``python -m training.experiments.pairing --data ../shared/data`` decodes CirCor with the models of
the folds that have not met the child, takes the recordings in which S1 and S2 are swapped, and
gathers what the decoder does not decide by (`EVIDENCE`). A regression of it is fitted on half of
the children where both agree, at rates of `FASTEST_SURE` and more, and judges the other half, so
that its share of right answers is known. Then a rule without the annotation is chosen on one half
and confirmed on the other. Writes docs/results/pairing.json.

All evidence changes its sign with the pairing; positive speaks for the decoder's.

| evidence | source |
|---|---|
| duration | S1 to S2 falls by 2.1 ms per beat/min (Weissler et al., Circulation 37:149, 1968), level and spread of children under `FASTEST_SURE` |
| steadiness | systole changes less from beat to beat than diastole; onsets aligned by the sound alone |
| loudness AV, PV, TV, MV | level of S1 against S2 at that place |
| child | as duration, the level that of the child's other recordings in which both agree |
| murmur | the louder gap, where a systolic and no diastolic murmur is annotated |
"""  # noqa: E501

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import signal

import models.shipped
from dsp.cycles.model import CycleModel
from dsp.stage import RATE_HZ
from training.cells import commit
from training.errors import TrainingError
from training.experiments.pairing_evidence import (
    MIN_CYCLES,
    Float,
    Int,
    annotated_cycles,
    envelope,
    level_db,
    steadiness,
    whole,
)
from training.options import one_thread, say
from training.segmentation.crossvalidate import held_out
from training.segmentation.data import (
    CIRCOR,
    Prepared,
    Truth,
    _sounds,
    circor,
    truths,
)
from training.segmentation.evaluate import calibrate, evaluate
from training.segmentation.folds import fold_model
from training.segmentation.score import Counts
from training.segmentation.train import FOLDS, Part, weights_path
from training.segmentation.variant import STEPS
from training.whole import write_whole

PLACES = ("AV", "PV", "TV", "MV")
EVIDENCE = (
    "duration", "steadiness", *(f"loudness {place}" for place in PLACES), "child", "murmur",
)  # fmt: skip
RULE = ("duration", "steadiness", "loudness", "gaps")
"""What a stream knows without an annotation; "gaps" is the louder gap of any heart."""
FASTEST_SURE = 100.0
"""Rate per minute under which systole is so much shorter than diastole that nobody swaps them."""
WEISSLER_MS = -2.1
SURE = 0.9
LARGEST = 6.0
"""No single piece of evidence counts more, as a difference of log likelihoods."""


@dataclass
class Case:
    """One recording: who, where, what was scored, and what was measured of its beats."""

    name: str
    person: str
    place: str
    age: str
    systolic: bool
    counts: Counts
    systole_ms: float
    diastole_ms: float
    steadiness: float
    annotation_steadiness: float
    """Of the annotation's own pairing, from its own onsets: positive speaks for the annotation."""
    loudness_db: float
    gaps_db: float

    @property
    def rate(self) -> float:
        """Per minute."""
        return 60_000 / (self.systole_ms + self.diastole_ms)

    @property
    def agrees(self) -> bool:
        """Whether the decoder has found nearly all that is annotated."""
        matched, wanted = int(self.counts.matched["onset 100"].sum()), int(self.counts.wanted.sum())
        return wanted >= 8 and matched > 0.8 * wanted

    @property
    def wrong(self) -> bool:
        """Whether fewer than half of the annotated sounds were found."""
        wanted = int(self.counts.wanted.sum())
        return wanted > 0 and int(self.counts.matched["onset 100"].sum()) < 0.5 * wanted

    @property
    def swapped(self) -> bool:
        """Whether it is wrong because S1 and S2 are the other way round, at the same rate."""
        known, told = self.counts.rate
        same = not np.isfinite(known) or abs(told / known - 1) < 0.2
        return self.wrong and same and self.counts.swapped >= 0.4 * int(self.counts.wanted.sum())

    @property
    def half(self) -> int:
        """Which half of the persons."""
        return int(hashlib.sha256(self.person.encode()).hexdigest(), 16) % 2


def measure(row: dict[str, str], truth: Truth, sound: Float, cycles: Int, counts: Counts) -> Case:
    """Everything about one recording whose ``cycles`` are int64 [n, 3], n >= `MIN_CYCLES`."""
    level = envelope(sound)
    high = signal.sosfiltfilt(
        signal.butter(3, [100, 400], "bandpass", fs=RATE_HZ, output="sos"), sound
    )
    s1, s2, end = cycles.T
    gaps = [
        level_db(high, a + (b - a) // 2, a + (b - a) * 85 // 100) for a, b in ((s1, s2), (s2, end))
    ]
    loud = level_db(sound, s1, s1 + 200) - level_db(sound, s2, s2 + 200)
    own = annotated_cycles(truth)
    return Case(
        row["name"], row["person"], row["location"], row["age"],
        row["murmur_here"] == "1" and bool(row["timing"]) and not row["diastolic_timing"],
        counts, float(np.median(s2 - s1)) * 1000 / RATE_HZ,
        float(np.median(end - s2)) * 1000 / RATE_HZ,
        steadiness(level, cycles), steadiness(level, own), float(np.median(loud)),
        float(np.median(gaps[0] - gaps[1])),
    )  # fmt: skip


def children(data: Path) -> Prepared:
    """CirCor alone, to decode and not to fit: its folds do not depend on other sets."""
    items, every = circor(data), truths(data)
    return Prepared(items, [every[item.name] for item in items], _sounds(items), [], [])


def cases(data: Path) -> tuple[list[Case], list[Counts]]:
    """Every recording of CirCor with enough cycles, and the scores of them all.

    Raises
    ------
    TrainingError
        If a fold has not been fitted on this machine.
    """
    with (data / CIRCOR / "recordings.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    calibration = CycleModel.from_arrays(models.shipped.cycles_arrays()).calibration
    prepared = children(data)
    found: list[Case] = []
    every: list[Counts] = []
    for fold in range(FOLDS):
        if not weights_path(Part(f"fold{fold}")).exists():
            remedy = "run: apexbeat-train evaluate-segmentation"
            raise TrainingError(f"fold {fold} of the cycle decoder is not fitted here", remedy)
        places = held_out(prepared, fold)
        run = evaluate(prepared, places, fold_model(prepared, fold, STEPS, calibration))
        every += run.counts
        for k, beats, counts in zip(places, run.beats, run.counts, strict=True):
            cycles = whole(beats)
            if len(cycles) >= MIN_CYCLES:
                sound = np.asarray(prepared.sounds[k], np.float64)
                row = rows[prepared.recordings[k].name]
                found.append(measure(row, prepared.truths[k], sound, cycles, counts))
        say(f"fold {fold}: {len(found)} recordings measured so far")
    return found, every


def residuals(case: Case, level_ms: float) -> tuple[float, float]:
    """What the first and the second gap differ from a systole at that rate, ms."""
    expected = level_ms + WEISSLER_MS * case.rate
    return case.systole_ms - expected, case.diastole_ms - expected


def _ratio(case: Case, level_ms: float, spread_ms: float) -> float:
    """Log likelihood that the first gap is systole less that of the second, bounded."""
    first, second = residuals(case, level_ms)
    ratio = (second**2 - first**2) / (2 * spread_ms**2)
    return float(np.clip(ratio, -LARGEST, LARGEST))


def evidence(found: Sequence[Case]) -> tuple[Float, Float, dict[str, float]]:
    """Evidence float64 [n, 8] and that of the rule [n, 4], in the order of their names."""
    slow = [c for c in found if c.agrees and c.rate < FASTEST_SURE]
    level = float(np.median([c.systole_ms - WEISSLER_MS * c.rate for c in slow]))
    spread = float(np.std([residuals(c, level)[0] for c in slow]))
    rows, rule = [], []
    for case in found:
        duration = _ratio(case, level, spread)
        others = [
            residuals(c, 0.0)[0] for c in found
            if c.person == case.person and c.name != case.name and c.agrees
        ]  # fmt: skip
        child = _ratio(case, float(np.median(others)), spread) if others else 0.0
        steady = 0.0 if np.isnan(case.steadiness) else case.steadiness
        loud = [case.loudness_db if case.place == place else 0.0 for place in PLACES]
        rows.append([duration, steady, *loud, child, case.gaps_db if case.systolic else 0.0])
        rule.append([duration, steady, case.loudness_db, case.gaps_db])
    known = {"level_ms": round(level, 1), "spread_ms": round(spread, 1), "recordings": len(slow)}
    return np.array(rows), np.array(rule), known


def regression(x: Float) -> Float:
    """Weights of evidence that is for the true pairing in every row, float64 [k]."""
    both = np.concatenate([x, -x])
    return calibrate(both, np.repeat([1.0, 0.0], len(x)))


def probability(x: Float, weights: Float) -> Float:
    """Probability that the decoder's pairing is right, beforehand as likely as the other."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x @ weights, -30, 30))))


def judged(found: Sequence[Case], x: Float) -> tuple[Float, list[dict[str, float]]]:
    """Probability for each case by the half of the children it is not of; weights of the halves."""
    half = np.array([c.half for c in found])
    learnt = np.array([c.agrees and c.rate >= FASTEST_SURE for c in found])
    p = np.zeros(len(found))
    weights = []
    for side in (0, 1):
        fitted = regression(x[learnt & (half != side)])
        p[half == side] = probability(x[half == side], fitted)
        weights.append({n: round(float(w), 3) for n, w in zip(EVIDENCE, fitted, strict=True)})
    return p, weights


def verdict(p: float) -> str:
    """Which side is wrong."""
    return "annotation" if p >= SURE else "decoder" if p <= 1 - SURE else "undecided"


def _totals(p: Float) -> dict[str, int]:
    told = [verdict(value) for value in p.tolist()]
    return {side: told.count(side) for side in ("annotation", "decoder", "undecided")}


def known_answers(found: Sequence[Case], x: Float, p: Float) -> dict[str, object]:
    """How often the evidence supports the pairing of both where they agree, by rate."""
    out: dict[str, object] = {}
    rate = np.array([c.rate for c in found])
    agree = np.array([c.agrees for c in found])
    for low, high in ((100, 120), (120, 135), (135, 220)):
        here = agree & (rate >= low) & (rate < high)
        told = _totals(p[here])
        single = {}
        for k, name in enumerate(EVIDENCE):
            there = x[here, k][x[here, k] != 0]
            single[name] = [int((there > 0).sum()), len(there)]
        out[f"{low} to {high}/min"] = {
            "recordings": int(here.sum()), "supported": told["annotation"],
            "contradicted": told["decoder"], "undecided": told["undecided"],
            "each evidence: for it, of": single,
        }  # fmt: skip
    return out


def rule_figures(found: Sequence[Case], x: Float) -> dict[str, object]:
    """A rule without the annotation: limit chosen on one half, confirmed on the other."""
    half = np.array([c.half for c in found])
    swapped, agrees = (
        np.array(v) for v in zip(*((c.swapped, c.agrees) for c in found), strict=True)
    )
    fast = np.array([c.rate >= FASTEST_SURE for c in found])
    weights = regression(x[agrees & fast & (half == 0)])
    p = probability(x, weights)

    def changed(limit: float, side: int) -> tuple[int, int]:
        turned = (p < limit) & (half == side)
        return int((turned & swapped).sum()), int((turned & agrees).sum())

    limits = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4)
    gains = {limit: changed(limit, 0) for limit in limits}
    best = max(limits, key=lambda limit: gains[limit][0] - gains[limit][1])
    return {
        "weights": {n: round(float(w), 3) for n, w in zip(RULE, weights, strict=True)},
        "half 0, limit: corrected, harmed": {str(k): list(v) for k, v in gains.items()},
        "limit chosen": best,
        "half 1: corrected, harmed": list(changed(best, 1)),
        "half 1: swapped, agreeing": [
            int((swapped & (half == 1)).sum()), int((agrees & (half == 1)).sum())
        ],
    }  # fmt: skip


def report(found: Sequence[Case], every: Sequence[Counts]) -> dict[str, object]:
    """All figures."""
    x, rule, known = evidence(found)
    p, weights = judged(found, x)
    swapped = [k for k, c in enumerate(found) if c.swapped]
    single = {
        name: [int((x[swapped, k] > 0).sum()), int((x[swapped, k] < 0).sum())]
        for k, name in enumerate(EVIDENCE)
    }
    other = np.array([found[k].annotation_steadiness for k in swapped])
    return {
        "recordings": len(every),
        "fewer than half of the annotated sounds found": sum(
            int(c.matched["onset 100"].sum()) < 0.5 * int(c.wanted.sum()) for c in every
        ),
        "of them swapped at the same rate": len(swapped),
        "infants among the swapped": sum(found[k].age == "Infant" for k in swapped),
        "children among the swapped": len({found[k].person for k in swapped}),
        "likely wrong": _totals(p[swapped]),
        "each evidence: for the decoder's pairing, for the annotation's": single,
        "steadiness from the annotation's own onsets: for the decoder's, for the annotation's": [
            int((other < 0).sum()), int((other > 0).sum())
        ],
        "S1 to S2 of slow hearts": known,
        "weights of both halves": weights,
        "where decoder and annotation agree": known_answers(found, x, p),
        "rule without the annotation": rule_figures(found, rule),
        "swapped recordings": [
            {
                "name": found[k].name, "age": found[k].age, "rate": round(found[k].rate),
                "p": round(float(p[k]), 3), "likely wrong": verdict(p[k]),
                **{n: round(float(v), 2) for n, v in zip(EVIDENCE, x[k], strict=True) if v},
            }
            for k in swapped
        ],
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Decode, measure, judge, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder of all the sets.")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    asked = parser.parse_args(arguments)
    one_thread()
    found, every = cases(asked.data)
    content = {
        "command": "python -m training.experiments.pairing --data DATA",
        "commit": commit(),
        "what": "CirCor, models of five folds by person; p is the probability that the decoder's "
        f"pairing is right, sure from {SURE}; evidence is positive where it speaks for it",
        **report(found, every),
    }
    write_whole(asked.results / "pairing.json", json.dumps(content, indent=1) + "\n")
    say(f"wrote {asked.results / 'pairing.json'}")


if __name__ == "__main__":
    main()
