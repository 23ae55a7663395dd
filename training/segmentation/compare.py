"""Other programs on the same recordings: BioSPPy and pyPCG-toolbox (the ``compare`` extra).

They report the middle of a heart sound, so centres are compared, one to one, inside annotated
spans. A program that fails on a recording is counted as such, and has found nothing there.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np
import soundfile
from numpy.typing import NDArray

from dsp.cycles.beat import Beat
from dsp.cycles.model import CycleModel
from dsp.stage import RATE_HZ
from training.segmentation.crossvalidate import held_out
from training.segmentation.data import PHANTOM, Prepared
from training.segmentation.evaluate import evaluate
from training.segmentation.score import f1, pairs, reference

TOLERANCES_MS = (60, 100)
Centres = tuple[NDArray[np.int64], NDArray[np.int64]]
NOTHING = np.zeros(0, np.int64)
Row = dict[str, object]


@dataclass
class Tally:
    """Sums of one program."""

    wanted: int = 0
    found: int = 0
    matched: dict[int, int] = field(default_factory=lambda: dict.fromkeys(TOLERANCES_MS, 0))
    failed: int = 0
    sound_s: float = 0.0
    cpu_s: float = 0.0

    def add(self, prepared: Prepared, place: int, centres: Centres) -> None:
        """Score the centres (S1, S2) of one recording."""
        ref = reference(prepared.truths[place], len(prepared.sounds[place]))
        for kind in (0, 1):
            have = np.sort(centres[kind])
            inside = (have[:, None] >= ref.spans[:, 0]) & (have[:, None] < ref.spans[:, 1])
            kept = have[inside.any(axis=1)]
            want = ref.centres[kind]
            self.wanted, self.found = self.wanted + len(want), self.found + len(kept)
            for ms in TOLERANCES_MS:
                self.matched[ms] += len(pairs(want, kept, ms * RATE_HZ // 1000))

    def row(self) -> Row:
        """Figures of one program."""
        return {
            "failed": self.failed,
            "times real time": round(self.sound_s / self.cpu_s) if self.cpu_s else None,
            **{f"f1 centre {ms}": round(f1(m, self.wanted, self.found), 4)
               for ms, m in self.matched.items()},
        }  # fmt: skip


def biosppy_centres(sound: NDArray[np.float64]) -> Centres:
    """Peaks that BioSPPy calls S1 and S2."""
    pcg = importlib.import_module("biosppy.signals.pcg")
    found = pcg.pcg(signal=sound, sampling_rate=float(RATE_HZ), show=False)
    peaks, kinds = np.asarray(found["peaks"], np.int64), np.asarray(found["heart_sounds"])
    return peaks[kinds == 1], peaks[kinds == 2]


def our_centres(beats: list[Beat]) -> Centres:
    """Middles of the sounds of decoded beats."""
    first = [(b.s1, b.systole) for b in beats]
    second = [(b.s2, b.diastole) for b in beats]
    one, two = (
        [(low + high) // 2 for low, high in edges if low is not None and high is not None]
        for edges in (first, second)
    )
    return np.array(one, np.int64), np.array(two, np.int64)


def pypcg_centres(sound: NDArray[np.float64]) -> Centres:
    """Peaks that pyPCG-toolbox calls S1 and S2: filter, homomorphic envelope, intervals.

    Its hidden semi-Markov model needs `hsmmlearn`, which is in no package index; the module that
    holds both is imported with an empty one in its place.
    """
    for name in ("hsmmlearn", "hsmmlearn.emissions", "hsmmlearn.hsmm"):
        stand_in = sys.modules.setdefault(name, ModuleType(name))
        vars(stand_in).setdefault("AbstractEmissions", object)
        vars(stand_in).setdefault("HSMMModel", object)
    pypcg, steps, segment = (
        importlib.import_module(f"pyPCG{part}") for part in ("", ".preprocessing", ".segment")
    )
    signal = pypcg.pcg_signal(sound, RATE_HZ)
    signal = steps.filter(steps.filter(signal, 6, 100, "LP"), 6, 20, "HP")
    envelope = steps.homomorphic(steps.wt_denoise_sth(signal))
    _, peaks = segment.adv_peak(envelope, percent_th=0.5)
    first, second = segment.peak_sort_diff(peaks)
    return np.asarray(first, np.int64), np.asarray(second, np.int64)


PROGRAMS: dict[str, Callable[[NDArray[np.float64]], Centres]] = {
    "BioSPPy 2.2.4": biosppy_centres,
    "pyPCG-toolbox 0.1b5, its peaks": pypcg_centres,
}
"""Other programs, at their default settings."""


def compare(
    prepared: Prepared,
    model_of_fold: Callable[[int], CycleModel],
    folds: Sequence[int],
    every: int,
    report: Callable[[str], None],
) -> Row:
    """Every ``every``-th recording of each fold, by all programs, in all and per database."""
    tallies: dict[tuple[str, str], Tally] = {}
    count = 0
    for fold in folds:
        places = [
            k for k in held_out(prepared, fold) if prepared.recordings[k].database != PHANTOM
        ][::every]
        run = evaluate(prepared, places, model_of_fold(fold))
        for place, beats in zip(places, run.beats, strict=True):
            item = prepared.recordings[place]
            raw = soundfile.read(item.path, dtype="float64")[0]
            for database in ("all", item.database):
                ours = tallies.setdefault(("apexbeat", database), Tally())
                ours.add(prepared, place, our_centres(beats))
            for name, find in PROGRAMS.items():
                begin = time.process_time()
                theirs = _tried(find, raw)
                spent = time.process_time() - begin
                for database in ("all", item.database):
                    other = tallies.setdefault((name, database), Tally())
                    other.sound_s += len(raw) / RATE_HZ
                    other.cpu_s += spent
                    other.failed += theirs is None
                    other.add(prepared, place, theirs or (NOTHING, NOTHING))
        tallies[("apexbeat", "all")].sound_s += run.sound_s
        tallies[("apexbeat", "all")].cpu_s += run.cpu_s
        count += len(places)
        report(f"fold {fold}: {count} recordings")
    rows: Row = {f"{name}, {database}": t.row() for (name, database), t in tallies.items()}
    rows["recordings"] = count
    return rows


def _tried(
    find: Callable[[NDArray[np.float64]], Centres], sound: NDArray[np.float64]
) -> Centres | None:
    """What a program finds; None where it fails, as several do on short or quiet recordings."""
    try:
        return find(sound)
    except (ValueError, IndexError, ZeroDivisionError):
        return None
