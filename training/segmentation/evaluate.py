"""`apexbeat-train evaluate-segmentation`: decodes held-out recordings as a stream and scores them.

Each recording is pushed in steps of 1 000 samples through the very decoder of the product, with
the weights of the fold that has not seen its group. `evaluate` returns one row per recording;
`report` sums them up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.assemble import EVIDENCE, Assembler
from dsp.cycles.beat import Beat
from dsp.cycles.decoder import CycleDecoder
from dsp.cycles.model import CycleModel
from dsp.cycles.onsets import OnsetRefiner
from dsp.stage import RATE_HZ, STEP
from training.segmentation.data import PHANTOM, Prepared
from training.segmentation.score import Counts, score


class Witness(Assembler):
    """An assembler that keeps the evidence of each beat, in order."""

    def __init__(self, calibration: NDArray[np.float64], refiner: OnsetRefiner) -> None:
        self.seen: list[NDArray[np.float64]] = []
        super().__init__(calibration, refiner)

    def judge(self, borders: list[int | None], stop: int | None = None) -> float:
        self.seen.append(self.evidence(borders, *self.means(borders, stop)))
        return super().judge(borders, stop)


@dataclass
class Run:
    """Scores of the recordings at ``places`` of the prepared list, and how it went."""

    places: list[int]
    counts: list[Counts]
    beats: list[list[Beat]]
    evidence: list[NDArray[np.float64]]
    exact: list[bool]
    """Whether each is a phantom."""
    cpu_s: float = 0.0
    sound_s: float = 0.0
    worst_lag: int = 0
    """Samples from an S1 to the end of the step that settled it, the held-back start excepted."""


def decode(
    decoder: CycleDecoder, sound: NDArray[np.float32], step: int = STEP
) -> tuple[list[Beat], int]:
    """Stream one recording; its beats and the longest lag of an S1 after the first 5 s."""
    decoder.reset(0)
    beats: list[Beat] = []
    worst = 0
    for begin in range(0, len(sound), step):
        settled = decoder.push(sound[begin : begin + step])
        beats += settled.beats
        now = begin + step
        if now > 10_000:
            worst = max([worst, *(now - s1 for s1 in settled.s1)])
    return beats + decoder.flush().beats, worst


def evaluate(
    prepared: Prepared,
    places: Sequence[int],
    model: CycleModel,
    *,
    offline: bool = False,
) -> Run:
    """Decode and score the recordings at ``places``."""
    run = Run([], [], [], [], [])
    decoder = _decoder(model, 0.0)
    for k in places:
        sound = prepared.sounds[k]
        if offline:
            decoder = _decoder(model, len(sound) / RATE_HZ + 2)
        decoder.assembler.seen.clear()
        begin = time.process_time()
        beats, lag = decode(decoder, sound, max(len(sound), 1) if offline else STEP)
        run.cpu_s += time.process_time() - begin
        run.sound_s += len(sound) / RATE_HZ
        run.worst_lag = max(run.worst_lag, lag)
        run.places.append(k)
        run.exact.append(prepared.recordings[k].database == PHANTOM)
        run.beats.append(beats)
        run.evidence.append(np.array(decoder.assembler.seen).reshape(-1, EVIDENCE))
        run.counts.append(score(prepared.truths[k], len(sound), beats))
    return run


class _Watched(CycleDecoder):
    """The product's decoder with a `Witness`."""

    assembler: Witness


def _decoder(model: CycleModel, whole_s: float) -> _Watched:
    decoder = _Watched(model, whole_s=whole_s)
    decoder.assembler = Witness(model.calibration, decoder._refiner)
    decoder.reset(0)
    return decoder


def join(runs: Sequence[Run]) -> Run:
    """One run of several folds."""
    return Run(
        [k for r in runs for k in r.places],
        [c for r in runs for c in r.counts],
        [b for r in runs for b in r.beats],
        [e for r in runs for e in r.evidence],
        [x for r in runs for x in r.exact],
        sum(r.cpu_s for r in runs),
        sum(r.sound_s for r in runs),
        max(r.worst_lag for r in runs),
    )


def calibrate(evidence: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logistic coefficients of the confidence, with a little ridge."""
    from sklearn.linear_model import LogisticRegression  # half a second

    fitted = LogisticRegression(C=1e3, fit_intercept=False, solver="newton-cholesky", tol=1e-9).fit(
        evidence, right
    )
    return np.asarray(fitted.coef_[0])


def recalibrated(run: Run, weights: NDArray[np.float64], prepared: Prepared) -> Run:
    """The same run with the confidences of another calibration."""
    counts, every = [], []
    for k, beats, evidence in zip(run.places, run.beats, run.evidence, strict=True):
        said = 1 / (1 + np.exp(-np.clip(evidence @ weights, -20, 20)))
        again = [replace(b, confidence=float(p)) for b, p in zip(beats, said, strict=True)]
        every.append(again)
        counts.append(score(prepared.truths[k], len(prepared.sounds[k]), again))
    return replace(run, counts=counts, beats=every)


def fit_calibration(runs: Sequence[Run]) -> NDArray[np.float64]:
    """Calibration from the whole cycles of these runs inside annotated spans, phantoms excepted."""
    rows, right = [], []
    for run in runs:
        for counts, evidence, exact in zip(run.counts, run.evidence, run.exact, strict=True):
            if exact:
                continue
            rows += [evidence[place] for place in counts.judged]
            right += [was for _, was in counts.cycles]
    return calibrate(np.array(rows), np.array(right, float))
