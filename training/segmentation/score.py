"""Scores decoded beats against hand annotations (DATA.md: what counts and what does not).

Onsets and centres of S1 and S2 are matched one to one within a tolerance, inside annotated spans.
The border with which a recording or a span begins is no onset of the heart's: it is neither
wanted nor held against a detector that reports it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dsp.cycles.beat import Beat
from dsp.stage import RATE_HZ
from training.segmentation.data import STATES, Truth

TOLERANCES_MS = (30, 60, 100)
Int = NDArray[np.int64]


@dataclass
class Counts:
    """Found, wanted and matched of one recording, addable.

    ``matched`` holds for each key "onset 60" and so on: matched S1, matched S2.
    """

    wanted: Int = field(default_factory=lambda: np.zeros(2, np.int64))
    found: Int = field(default_factory=lambda: np.zeros(2, np.int64))
    matched: dict[str, Int] = field(default_factory=dict)
    swapped: int = 0
    errors_ms: list[tuple[int, float]] = field(default_factory=list)
    """(0 for S1 or 1 for S2, found less annotated) of each onset matched at 100 ms."""
    cycles: list[tuple[float, bool]] = field(default_factory=list)
    """(confidence, right) of each beat with S1 and S2 inside an annotated span."""
    judged: list[int] = field(default_factory=list)
    """Places of those beats among all of the recording."""
    rate_errors: list[float] = field(default_factory=list)
    """Heart-rate error of each 10 s, per minute."""
    rate: tuple[float, float] = (float("nan"), float("nan"))
    """Rate of the whole recording, annotated and found, per minute; nan where there is none."""


@dataclass(frozen=True)
class Reference:
    """What is wanted in one recording, 2 kHz samples."""

    onsets: tuple[Int, Int]
    centres: tuple[Int, Int]
    free: tuple[Int, Int]
    """First borders, neither wanted nor held against."""
    spans: Int
    """Annotated spans [k, 2]."""


def reference(truth: Truth, length: int) -> Reference:
    """Read the wanted onsets and the annotated spans."""
    ends = np.append(truth.samples[1:], length)
    spans: list[list[int]] = []
    onsets: tuple[list[int], list[int]] = ([], [])
    centres: tuple[list[int], list[int]] = ([], [])
    free: tuple[list[int], list[int]] = ([], [])
    for start, end, state in zip(truth.samples, ends, truth.states, strict=True):
        if state not in STATES:
            continue
        first = not spans or spans[-1][1] != start
        if first:
            spans.append([int(start), int(end)])
        else:
            spans[-1][1] = int(end)
        if state in ("S1", "S2"):
            kind = 0 if state == "S1" else 1
            (free if first else onsets)[kind].append(int(start))
            if not first and end != length:
                centres[kind].append(int(start + end) // 2)
    pair = [tuple(np.array(v, np.int64) for v in values) for values in (onsets, centres, free)]
    return Reference(pair[0], pair[1], pair[2], np.array(spans, np.int64).reshape(-1, 2))  # type: ignore[arg-type]


def pairs(wanted: Int, found: Int, tolerance: int) -> list[tuple[int, int]]:
    """Match two sorted lists one to one, at most ``tolerance`` apart; positions of the pairs."""
    out, i, j = [], 0, 0
    while i < len(wanted) and j < len(found):
        apart = int(found[j]) - int(wanted[i])
        if abs(apart) <= tolerance:
            closer = j + 1 < len(found) and abs(int(found[j + 1]) - int(wanted[i])) < abs(apart)
            alone = i + 1 >= len(wanted) or abs(int(found[j]) - int(wanted[i + 1])) > tolerance
            if closer and apart < 0 and alone:
                j += 1
                continue
            out.append((i, j))
            i, j = i + 1, j + 1
        elif apart < 0:
            j += 1
        else:
            i += 1
    return out


def _inside(values: Int, spans: Int) -> NDArray[np.bool_]:
    after, before = values[:, None] >= spans[None, :, 0], values[:, None] < spans[None, :, 1]
    inside: NDArray[np.bool_] = np.any(after & before, axis=1)
    return inside


def _kept(values: list[int], ref: Reference, kind: int, tolerance: int) -> Int:
    """Found onsets that count: inside a span and not at its first border."""
    array = np.array(sorted(values), np.int64)
    array = array[_inside(array, ref.spans)]
    if not len(ref.free[kind]):
        return array
    near = (np.abs(array[:, None] - ref.free[kind][None, :]) <= tolerance).any(axis=1)
    wanted = ref.onsets[kind]
    if len(wanted):
        near &= (np.abs(array[:, None] - wanted[None, :]) > tolerance).all(axis=1)
    kept: Int = array[~near]
    return kept


def _centres(beats: Sequence[Beat], kind: int) -> list[int]:
    edges = [(b.s1, b.systole) if kind == 0 else (b.s2, b.diastole) for b in beats]
    return [(a + b) // 2 for a, b in edges if a is not None and b is not None]


def score(truth: Truth, length: int, beats: Sequence[Beat]) -> Counts:
    """Score one recording of ``length`` samples."""
    ref = reference(truth, length)
    widest = max(TOLERANCES_MS) * RATE_HZ // 1000
    onsets = [[b.s1 for b in beats if b.s1 is not None], [b.s2 for b in beats if b.s2 is not None]]
    found = [_kept(onsets[kind], ref, kind, widest) for kind in (0, 1)]
    out = Counts()
    out.wanted = np.array([len(ref.onsets[0]), len(ref.onsets[1])])
    out.found = np.array([len(found[0]), len(found[1])])
    centres = [np.array(sorted(_centres(beats, kind)), np.int64) for kind in (0, 1)]
    for ms in TOLERANCES_MS:
        tolerance = ms * RATE_HZ // 1000
        both = [pairs(ref.onsets[kind], found[kind], tolerance) for kind in (0, 1)]
        out.matched[f"onset {ms}"] = np.array([len(p) for p in both])
        out.matched[f"centre {ms}"] = np.array(
            [len(pairs(ref.centres[kind], centres[kind], tolerance)) for kind in (0, 1)]
        )
    _sensitivity_parts(out, ref, found, widest)
    _cycles(out, ref, beats, widest)
    out.rate_errors = rate_errors(ref, beats)
    out.rate = (_rate(ref.onsets[0], ref), _rate(found[0], ref))
    return out


def _rate(onsets: Int, ref: Reference) -> float:
    """Rate per minute from the median of the cycles inside annotated spans, nan under three."""
    inside = (onsets[:, None] >= ref.spans[None, :, 0]) & (onsets[:, None] < ref.spans[None, :, 1])
    cycles = [np.diff(onsets[inside[:, k]]) for k in range(len(ref.spans))]
    lengths = np.concatenate([np.zeros(0, np.int64), *cycles])
    return 60 * RATE_HZ / float(np.median(lengths)) if len(lengths) >= 3 else float("nan")


def _sensitivity_parts(out: Counts, ref: Reference, found: list[Int], widest: int) -> None:
    """Timing errors, and sounds that were found under the other name."""
    free_found, missed = [], []
    for kind in (0, 1):
        matched = pairs(ref.onsets[kind], found[kind], widest)
        for i, j in matched:
            apart = int(found[kind][j]) - int(ref.onsets[kind][i])
            out.errors_ms.append((kind, apart * 1000 / RATE_HZ))
        missed.append(np.delete(ref.onsets[kind], [i for i, _ in matched]))
        free_found.append(np.delete(found[kind], [j for _, j in matched]))
    out.swapped = len(pairs(missed[0], free_found[1], widest)) + len(
        pairs(missed[1], free_found[0], widest)
    )


def _cycles(out: Counts, ref: Reference, beats: Sequence[Beat], widest: int) -> None:
    """Was each whole beat right? Beats without both sounds are left out."""
    for place, beat in enumerate(beats):
        if beat.s1 is None or beat.s2 is None:
            continue
        both = np.array([beat.s1, beat.s2])
        if not _inside(both, ref.spans).all() or not len(ref.onsets[0]) or not len(ref.onsets[1]):
            continue
        if any(len(ref.free[k]) and np.abs(ref.free[k] - both[k]).min() <= widest for k in (0, 1)):
            continue
        right = all(np.abs(ref.onsets[k] - both[k]).min() <= widest for k in (0, 1))
        out.judged.append(place)
        out.cycles.append((beat.confidence, bool(right)))


def rate_errors(ref: Reference, beats: Sequence[Beat]) -> list[float]:
    """Difference of the median rates of each whole 10 s inside an annotated span."""
    out = []
    found = np.array([b.s1 for b in beats if b.s1 is not None], np.int64)
    for low, high in ref.spans:
        for start in range(int(low), int(high) - 10 * RATE_HZ + 1, 10 * RATE_HZ):
            rates = []
            for onsets in (ref.onsets[0], found):
                part = onsets[(onsets >= start) & (onsets < start + 10 * RATE_HZ)]
                rates.append(60 * RATE_HZ / np.median(np.diff(part)) if len(part) > 2 else np.nan)
            if np.isfinite(rates[0]):
                out.append(float(rates[1] - rates[0]) if np.isfinite(rates[1]) else float("inf"))
    return out


def f1(matched: int, wanted: int, found: int) -> float:
    """F1 of S1 and S2 together."""
    return 2 * matched / (wanted + found) if wanted + found else float("nan")
