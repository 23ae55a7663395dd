"""Can S3, S4, clicks and opening snaps be told as events? Phantoms, then recordings never used.

``python -m training.experiments.extra_sounds --data ../shared/data`` decodes each recording as the
monitor does, pools the log envelope of a band over its cycles and looks for a short rise between
two valleys (`Kind`). A logistic regression for each kind is fitted on phantoms and on normal
recordings of cinc2016 with such sounds put in; its threshold lets 5 % of these recordings pass as
they are. Other phantoms and recordings, then MVP and MS of Yaseen 2018, MVP of cinc2016 *a* and
what is normal there are scored once. Writes docs/results/extra-sounds.json.

No real recording here is labelled with S3 or S4: those two are known from phantoms alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

import models.shipped
from dsp.chain import process
from dsp.cycles.beat import Beat
from dsp.cycles.decoder import CycleDecoder
from dsp.cycles.model import CycleModel
from dsp.phantom import render
from dsp.stage import RATE_HZ
from monitor.replay.scores import auc
from training import datasets
from training.cells import commit
from training.datasets import Recording
from training.experiments.extra_sounds_made import KINDS, Kind, added, draw, some_kinds
from training.options import one_thread, say
from training.segmentation.evaluate import calibrate
from training.whole import write_whole

Float = NDArray[np.float64]
MIN_CYCLES = 2
FALSE_ALARMS = 0.05
"""Share of the phantoms without a sound in which it may be told."""
DRAWS = 1000
GRID = 4
"""Samples from one value of the envelope to the next: 2 ms."""
MARGIN = 40
"""Values of the envelope around the window of the search."""
_FAMILIES = {"fit": 11, "held out": 12}
_IMPLANTED = 13
_EACH_DATABASE = 120
FIT, HELD = "cinc2016 b-f Normal, fit", "cinc2016 b-f Normal, held out"


def envelope_db(sound: Float, kind: Kind) -> Float:
    """Level of the band in dB, one value each 2 ms, float64 [n // GRID]."""
    sos = signal.butter(3, kind.band_hz, "bandpass", fs=RATE_HZ, output="sos")
    power = signal.sosfiltfilt(sos, sound) ** 2
    window = np.hanning(round(2 * kind.smooth_s * RATE_HZ) | 1)
    smooth = np.convolve(power, window / window.sum(), "same")[::GRID]
    return np.asarray(10 * np.log10(smooth + 1e-10))


def _cycles(level: Float, beats: Sequence[Beat], kind: Kind) -> tuple[Float, int, int]:
    """Level around the reference of each cycle [cycles, times]; window's first and last."""
    low, high = kind.window_s
    heard = [b.s2 if kind.reference == "S2" else b.s1 for b in beats]
    if kind.reference == "systole":
        both = [(b.s1, b.s2) for b in beats if b.s1 is not None and b.s2 is not None]
        systole_s = float(np.median(np.diff(both))) / RATE_HZ if both else 0.3
        low, high = low * systole_s, high * systole_s
        heard = [s1 for s1, _ in both]
    steps = [round(t * RATE_HZ / GRID) for t in (low, high)]
    at = np.array([onset for onset in heard if onset is not None], np.int64) // GRID
    times = np.arange(steps[0] - MARGIN, steps[1] + MARGIN + 1)
    places = at[:, None] + times
    inside = (places >= 0).all(axis=1) & (places < len(level)).all(axis=1)
    return level[places[inside]], MARGIN, len(times) - MARGIN


def features(sound: Float, beats: Sequence[Beat], kind: Kind) -> Float | None:
    """What speaks for the sound, float64 [6]; None where fewer than `MIN_CYCLES` cycles show it.

    A constant; the prominence of the best peak of the pooled level (over the higher of its two
    valleys); the same of single cycles against its spread; the share of cycles that have it; the
    peak's level against S1 and against the quiet parts of the recording. In dB but for the share.
    """
    level = envelope_db(sound, kind)
    cycles, first, last = _cycles(level, beats, kind)
    if len(cycles) < MIN_CYCLES:
        return None
    pooled = np.median(cycles, axis=0)
    reach = round(kind.valley_s * RATE_HZ / GRID)
    best, edges = -np.inf, (0, 0, 0)
    for t in range(first, last):
        left = t - reach + int(np.argmin(pooled[t - reach : t]))
        right = t + 1 + int(np.argmin(pooled[t + 1 : t + 1 + reach]))
        rise = float(pooled[t] - max(pooled[left], pooled[right]))
        if rise > best:
            best, edges = rise, (left, t, right)
    left, t, right = edges
    single = cycles[:, t - 2 : t + 3].max(axis=1) - np.maximum(cycles[:, left], cycles[:, right])
    spread = np.sqrt((single.var() + 9.0) / len(single))
    s1 = [level[b.s1 // GRID : b.s1 // GRID + 50].max() for b in beats
          if b.s1 is not None and 0 <= b.s1 // GRID < len(level)]  # fmt: skip
    return np.array([
        1.0, best, single.mean() / spread, (single > 3).mean(),
        pooled[t] - np.median(s1), pooled[t] - np.quantile(level, 0.2),
    ])  # fmt: skip


def heard(sound: Float, decoder: CycleDecoder) -> dict[str, Float | None]:
    """Features of every kind from filtered sound, float64 [n] at 2 kHz."""
    decoder.reset(0)
    beats = decoder.push(sound).beats + decoder.flush().beats
    return {name: features(sound, beats, kind) for name, kind in KINDS.items()}


Case = tuple[frozenset[str], dict[str, Float | None]]
"""The sounds that one heart has, and the features of each kind."""


def phantoms(family: str, count: int, decoder: CycleDecoder) -> Iterator[Case]:
    """Labels and features of ``count`` phantoms of a family of seeds."""
    for place in range(count):
        rng = np.random.default_rng((_FAMILIES[family], place))
        heart, has = draw(rng)
        rendering = render(heart)
        sound = added(rendering.sound, rendering.beats, has & {"click"}, rng)
        yield has, heard(process(sound.astype(np.float32), RATE_HZ), decoder)


def implanted(items: Sequence[Recording], decoder: CycleDecoder) -> Iterator[Case]:
    """Real normal recordings, each as it is and with some of the sounds put into its beats."""
    for place, item in enumerate(items):
        rng = np.random.default_rng((_IMPLANTED, place))
        sound = filtered(item.path)
        has = some_kinds(rng)
        decoder.reset(0)
        beats = decoder.push(sound).beats + decoder.flush().beats
        yield frozenset(), heard(sound, decoder)
        yield has, heard(added(sound, beats, has, rng), decoder)


def filtered(path: Path) -> Float:
    """Sound of a recording as the decoder hears it."""
    sound, rate = soundfile.read(path, dtype="float32")
    return process(sound, rate)


@dataclass(frozen=True)
class Detector:
    """The regression of one kind, and the score from which the sound is told."""

    weights: Float
    threshold: float

    def score(self, x: Float) -> float:
        """Score of one row of features."""
        return float(x @ self.weights)


def fit(cases: Sequence[Case], plain: Sequence[Case], name: str) -> Detector:
    """Fit one kind on all the cases; its threshold lies where 5 % of the plain ones are told."""
    known = [(name in has, x[name]) for has, x in cases if x[name] is not None]
    label = np.array([y for y, _ in known])
    rows = np.array([x for _, x in known])
    weights = calibrate(rows, label.astype(np.float64))
    without = np.array([x[name] for _, x in plain if x[name] is not None])
    return Detector(weights, float(np.quantile(without @ weights, 1 - FALSE_ALARMS)))


def interval(with_it: dict[str, list[float]], without: dict[str, list[float]]) -> list[float]:
    """95 % interval of the AUC by drawing groups (persons, where known) with replacement."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        parts = [
            np.concatenate([side[k] for k in rng.choice(sorted(side), len(side))])
            for side in (with_it, without)
        ]
        found.append(_auc(parts[0], parts[1]))
    return [round(float(v), 3) for v in np.quantile(found, [0.025, 0.975])]


def _auc(one: Float, other: Float) -> float:
    label = np.repeat([1, 0], [len(one), len(other)]).astype(np.int64)
    return auc(label, np.concatenate([one, other]))


Scores = dict[str, dict[str, list[float]]]
"""Scores by class, then by group."""


def compared(scores: Scores, kind: str, positive: str, negative: str) -> dict[str, object]:
    """One row: AUC of a class against another."""
    one, other = scores[positive], scores[negative]
    flat = [np.concatenate(list(side.values())) for side in (one, other)]
    return {
        "sound": kind, "with": positive, "without": negative,
        "recordings": [len(f) for f in flat],
        "auc": round(_auc(flat[0], flat[1]), 3), "auc_95": interval(one, other),
    }  # fmt: skip


def recordings(data: Path) -> Iterator[tuple[str, Recording]]:
    """Class and recording: Yaseen, PASCAL's set B without murmurs, cinc2016 *a*, other normals.

    Of the other databases of cinc2016, one normal recording of a group, at most 120 of a database;
    half of the groups for the fit.
    """
    for folder in ("yaseen2018", "pascal"):
        for r in datasets.FURTHER[folder](data / folder):
            if r.diagnosis not in ("artifact", "murmur"):
                yield f"{folder} {r.diagnosis}", replace(r, group=r.name)
    taken: dict[str, set[str]] = {}
    for r in datasets.load_cinc2016(data / "cinc2016"):
        if r.quality != 1:
            continue
        seen = taken.setdefault(r.database, set())
        if r.database == "a":
            yield f"cinc2016 a {r.diagnosis}", r
        elif r.label == 0 and r.group not in seen and len(seen) < _EACH_DATABASE:
            seen.add(r.group)
            digest = int(hashlib.sha256(r.group.encode()).hexdigest(), 16)
            yield FIT if digest % 2 else HELD, r


PAIRS = [
    *(("click", "yaseen2018 MVP", f"yaseen2018 {k}") for k in ("N", "AS", "MR", "MS")),
    *(("click", "cinc2016 a MVP", f"cinc2016 a {k}") for k in ("Normal", "Benign")),
    *(("snap", "yaseen2018 MS", f"yaseen2018 {k}") for k in ("N", "AS", "MR", "MVP")),
    *(("s4", "yaseen2018 MS", f"yaseen2018 {k}") for k in ("N", "AS", "MR", "MVP")),
]
"""Sound, class that should have it, class that should not. The accent before S1 of MS is no S4,
but lies where one would."""


def real(data: Path, detectors: dict[str, Detector], decoder: CycleDecoder) -> dict[str, object]:
    """Score the labelled recordings once."""
    scores: dict[str, Scores] = {name: {} for name in KINDS}
    silent: dict[str, int] = {}
    every: dict[str, int] = {}
    for label, item in recordings(data):
        if label == FIT:
            continue
        rows = heard(filtered(item.path), decoder)
        every[label] = every.get(label, 0) + 1
        if any(x is None for x in rows.values()):
            silent[label] = silent.get(label, 0) + 1
            continue
        for name, x in rows.items():
            if x is not None:
                value = detectors[name].score(x)
                scores[name].setdefault(label, {}).setdefault(item.group, []).append(value)
    told = {
        label: {
            name: round(_told(scores[name][label], detectors[name]) / count, 3) for name in KINDS
        }
        for label, count in sorted(every.items())
    }
    return {
        "recordings": every,
        "of them with too few cycles in reach": silent,
        "told, share of recordings": told,
        "auc": [compared(scores[kind], kind, *pair) for kind, *pair in PAIRS],
    }


def _told(scores: dict[str, list[float]], detector: Detector) -> int:
    return sum(v > detector.threshold for values in scores.values() for v in values)


def found(cases: Sequence[Case], detectors: dict[str, Detector]) -> dict[str, object]:
    """AUC, sensitivity and false alarms of each kind where it is known what was put in."""
    out: dict[str, object] = {}
    for name, detector in detectors.items():
        known = [(name in has, x[name]) for has, x in cases]
        rows = [(y, detector.score(x)) for y, x in known if x is not None]
        sides = [np.array([z for y, z in rows if y is side]) for side in (True, False)]
        by_heart = [{str(k): [z] for k, z in enumerate(side)} for side in sides]
        out[name] = {
            "with and without": [len(side) for side in sides],
            "too few cycles": len(known) - len(rows),
            "auc": round(_auc(sides[0], sides[1]), 3),
            "auc_95": interval(by_heart[0], by_heart[1]),
            "found": round(float((sides[0] > detector.threshold).mean()), 3),
            "false alarms": round(float((sides[1] > detector.threshold).mean()), 3),
        }
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit on phantoms, score, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder of all the sets.")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--phantoms", type=int, default=600, help="Of each family of seeds.")
    asked = parser.parse_args(arguments)
    one_thread()
    decoder = CycleDecoder(CycleModel.from_arrays(models.shipped.cycles_arrays()))
    every = list(recordings(asked.data))
    parts = {
        part: list(implanted([item for label, item in every if label == part], decoder))
        for part in (FIT, HELD)
    }
    cases = [*phantoms("fit", asked.phantoms, decoder), *parts[FIT]]
    detectors = {name: fit(cases, parts[FIT][::2], name) for name in KINDS}
    content: dict[str, object] = {
        "command": "python -m training.experiments.extra_sounds --data DATA",
        "commit": commit(),
        "what": "S3, S4, mid-systolic click and opening snap from cycles of the shipped decoder; "
        f"fitted on {asked.phantoms} phantoms and {len(parts[FIT]) // 2} normal recordings without "
        f"and with sounds put into them, threshold where {FALSE_ALARMS:.0%} of those without pass",
        "fit": found(cases, detectors),
    }
    held = list(phantoms("held out", asked.phantoms, decoder))
    content["phantoms held out"] = found(held, detectors)
    content["put into normal recordings held out"] = found(parts[HELD], detectors)
    content["real labels, scored once"] = real(asked.data, detectors, decoder)
    path = asked.results / "extra-sounds.json"
    write_whole(path, json.dumps(content, indent=1) + "\n")
    say(f"wrote {path}")


if __name__ == "__main__":
    main()
