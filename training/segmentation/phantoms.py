"""What phantom hearts tell of the decoder: extreme rates, steps of the rate, hard kinds.

Phantoms have an exact truth. Those here have seeds of their own: none is trained on. Their figures
say how the decoder behaves, not how well it does on patients.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from dsp import phantom
from dsp.chain import process
from dsp.cycles.beat import Beat
from dsp.cycles.decoder import CycleDecoder
from dsp.cycles.model import CycleModel
from dsp.stage import RATE_HZ, STEP
from training.segmentation import hearts
from training.segmentation.data import Truth
from training.segmentation.score import f1, pairs, score

RATES = (35.0, 60.0, 75.0, 100.0, 130.0, 160.0, 200.0, 215.0)
STEPS = ((80.0, 130.0), (80.0, 40.0))
Row = dict[str, object]


def _heard(description: phantom.Phantom) -> tuple[NDArray[np.float64], list[Beat]]:
    rendering = phantom.render(description)
    return process(rendering.sound.astype(np.float32), RATE_HZ), list(rendering.beats)


def _onsets(beats: list[Beat], kind: int) -> NDArray[np.int64]:
    found = [b.s1 if kind == 0 else b.s2 for b in beats]
    return np.array(sorted(v for v in found if v is not None), np.int64)


def _decode(model: CycleModel, sound: NDArray[np.float64]) -> list[Beat]:
    decoder = CycleDecoder(model)
    return decoder.push(sound).beats + decoder.flush().beats


def f1_of(model: CycleModel, descriptions: list[phantom.Phantom]) -> dict[int, float]:
    """F1 of S1 and S2 at 60 and 100 ms."""
    sums = {60: 0, 100: 0}
    wanted = found = 0
    for description in descriptions:
        sound, truth = _heard(description)
        beats = _decode(model, sound)
        for kind in (0, 1):
            have, want = _onsets(beats, kind), _onsets(truth, kind)
            wanted, found = wanted + len(want), found + len(have)
            for ms in sums:
                sums[ms] += len(pairs(want, have, ms * RATE_HZ // 1000))
    return {ms: f1(matched, wanted, found) for ms, matched in sums.items()}


def rates(model: CycleModel, seconds: float = 40.0) -> list[Row]:
    """F1 of clean phantoms at each rate."""
    rows: list[Row] = []
    for rate in RATES:
        scores = f1_of(model, [phantom.Phantom(duration_s=seconds, rate_per_min=rate, seed=5)])
        rows.append({"rate": rate, "f1 60": round(scores[60], 4), "f1 100": round(scores[100], 4)})
    return rows


def steps(model: CycleModel) -> list[Row]:
    """Seconds from a step of the rate until the rate of the last five cycles is within 5 %."""
    rows: list[Row] = []
    for before, after in STEPS:
        at_s = 30.0
        described = phantom.Phantom(
            duration_s=60.0, rate_per_min=before, seed=2, variability=0.0, respiratory=0.0,
            profile=((0.0, before), (at_s, before), (at_s, after)),
        )  # fmt: skip
        sound, _ = _heard(described)
        rows.append({"from": before, "to": after, "s": _settled_s(model, sound, at_s, after)})
    return rows


def _settled_s(
    model: CycleModel, sound: NDArray[np.float64], at_s: float, rate: float
) -> float | None:
    decoder = CycleDecoder(model)
    onsets: list[int] = []
    for begin in range(0, len(sound), STEP):
        onsets += decoder.push(sound[begin : begin + STEP]).s1
        now_s = (begin + STEP) / RATE_HZ
        if now_s > at_s and len(onsets) > 5:
            shown = 60 * RATE_HZ / float(np.median(np.diff(onsets[-6:])))
            if abs(shown - rate) <= 0.05 * rate:
                return round(now_s - at_s, 2)
    return None


def kinds(model: CycleModel, each: int = 20, seconds: float = 40.0) -> list[Row]:
    """Hearts of every kind of `hearts.py`."""
    made = hearts.held_hearts(each, seconds)
    return [
        {"kind": kind, **_row(model, [heart for name, heart in made if name == kind])}
        for kind in hearts.KINDS
    ]


def siblings(model: CycleModel, each: int = 20) -> list[Row]:
    """Hearts like the reported ones."""
    return [
        {"case": case, **_row(model, [hearts.sibling(case, k) for k in range(each)])}
        for case in ("clicks", "equal", "pauses", "bigeminy")
    ]


def _row(model: CycleModel, described: list[phantom.Phantom]) -> Row:
    """Scores of some hearts together."""
    counts, pauses = [], [0, 0, 0]
    decoder = CycleDecoder(model)
    for heart in described:
        rendering, sound = hearts.hear(heart)
        samples, states = zip(*rendering.states, strict=True)
        decoder.reset(0)
        beats = decoder.push(sound).beats + decoder.flush().beats
        counts.append(score(Truth(np.array(samples), tuple(states)), len(sound), beats))
        pauses = [a + b for a, b in zip(pauses, _pauses(rendering.beats, beats), strict=True)]
    wanted, found = (sum(int(getattr(c, n).sum()) for c in counts) for n in ("wanted", "found"))
    row: Row = {"hearts": len(counts)}
    for ms in (60, 100):
        matched = sum(int(c.matched[f"onset {ms}"].sum()) for c in counts)
        row[f"f1 {ms}"] = round(f1(matched, wanted, found), 4)
    errors = np.abs([e for c in counts for _, e in c.errors_ms])
    if len(errors):
        row["timing ms, median and 95 %"] = [
            round(float(v), 1) for v in np.quantile(errors, [0.5, 0.95])
        ]
    cycles = max(1, sum(int(c.wanted[0]) for c in counts))
    row["swaps per cycle"] = round(sum(c.swapped for c in counts) / 2 / cycles, 4)
    ratio = np.array([c.rate[1] / c.rate[0] for c in counts])
    wrong = (np.abs(ratio - 2) < 0.2) | (np.abs(ratio - 0.5) < 0.05)
    row["halved or doubled"] = int(wrong.sum())
    row["pauses, shown, beats within"] = pauses
    return row


def _pauses(truth: list[Beat], beats: list[Beat]) -> list[int]:
    """Pauses of over 3 s between two heard beats; those shown as one; beats told within."""
    true = _onsets(truth, 0)
    told = _onsets(beats, 0)
    counts = [0, 0, 0]
    for begin, end in pairwise(true):
        if end - begin <= 3 * RATE_HZ:
            continue
        within = told[(told > begin + RATE_HZ // 2) & (told < end - RATE_HZ // 10)]
        before, after = told[told <= begin + RATE_HZ // 2], told[told >= end - RATE_HZ // 10]
        joined = any(b.s1 is not None and b.s1 <= begin + RATE_HZ // 2 and b.end is not None
                     and b.end > begin + 3 * RATE_HZ for b in beats)  # fmt: skip
        shown = bool(len(before) and len(after)) and after[0] - before[-1] > 3 * RATE_HZ
        counts[0] += 1
        counts[1] += int(shown and not joined and not len(within))
        counts[2] += len(within)
    return counts
