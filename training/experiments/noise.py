"""Noise study: F1 of the heart cycles and the quality against the signal-to-noise ratio.

``python -m training.experiments.noise --data ../shared/data``: clean, hand-annotated recordings of
cinc2016 (quality 1, no noise span) under white, speech-like and rubbing noise, from 20 to -5 dB
within 20-400 Hz against the whole recording. Writes docs/results/noise.json and its figure.
"Accepted" counts only sounds in spans that the quality index calls good: what is relied upon.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from dsp.chain import Chain
from dsp.cycles.decoder import CycleDecoder
from dsp.cycles.model import CycleModel
from dsp.phantom_noise import NoiseKind
from dsp.quality import QualityIndex
from dsp.stage import RATE_HZ, STEP, FloatArray
from models import shipped
from training.quality.data import mix
from training.segmentation.data import Recording, Truth, recordings, truths
from training.segmentation.score import f1, pairs, reference

KINDS: tuple[NoiseKind, ...] = ("white", "speech", "rubbing")
SNR_DB = (20.0, 15.0, 10.0, 5.0, 2.5, 0.0, -2.5, -5.0)
TOLERANCE = 200
"""Samples: 100 ms."""

LEAST_S = 12.0
LONGEST_S = 30
EACH = 12
"""Recordings of each database, where there are so many."""

ROOT = Path(__file__).parents[2]
Int = NDArray[np.int64]


def chosen(data: Path, known: dict[str, Truth], seed: int = 0) -> list[Recording]:
    """Clean recordings, some of each database, of different groups."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[Recording]] = {}
    items = recordings(data)
    seen: set[str] = set()
    for place in rng.permutation(len(items)):
        item = items[place]
        truth = known.get(item.name)
        if truth is None or "noise-begin" in truth.states or item.group in seen:
            continue
        long_enough = item.duration_s >= (LEAST_S if item.database != "b" else 7.0)
        if long_enough and len(found.setdefault(item.database, [])) < EACH:
            seen.add(item.group)
            found[item.database].append(item)
    return [item for items in found.values() for item in items]


def analysed(
    sound: FloatArray, new_decoder: Callable[[], CycleDecoder]
) -> tuple[tuple[Int, Int], NDArray[np.bool_], list[str]]:
    """Onsets found (S1, S2), whether each span is good, and what each is called."""
    chain, index, decoder = Chain(RATE_HZ), QualityIndex(), new_decoder()
    beats, spans = [], []
    frames = sound.astype(np.float32)[:, None]
    steps: tuple[Callable[[], FloatArray], ...] = (lambda: chain.push(frames), chain.flush)
    for step in steps:
        out = step()
        spans += index.push(chain.raw, out)
        beats += decoder.push(out).beats
    beats += decoder.flush().beats
    spans += index.flush()
    onsets = (
        np.array(sorted(b.s1 for b in beats if b.s1 is not None), np.int64),
        np.array(sorted(b.s2 for b in beats if b.s2 is not None), np.int64),
    )
    return onsets, np.array([s.value == "good" for s in spans]), [s.value for s in spans]


def counts(truth: Truth, length: int, onsets: tuple[Int, Int], good: NDArray[np.bool_]) -> Int:
    """Matched, wanted, found; then the same of sounds in good spans only: int64 [6]."""
    wanted = reference(truth, length).onsets
    out = np.zeros(6, np.int64)
    for kind in (0, 1):
        first = truth.samples[1] if len(truth.samples) > 1 else 0
        found = onsets[kind][onsets[kind] >= first]
        want = wanted[kind][wanted[kind] < length]
        found = found[found < length]
        matched = pairs(want, found, TOLERANCE)
        out[:3] += (len(matched), len(want), len(found))
        want_good, found_good = good[want // STEP], good[found // STEP]
        both = sum(1 for i, _ in matched if want_good[i])
        strays = np.delete(found_good, [j for _, j in matched])
        out[3:] += (both, int(want_good.sum()), both + int(strays.sum()))
    return out


def study(data: Path, seed: int = 0) -> dict[str, Any]:
    """All kinds and ratios over the chosen recordings."""
    known = truths(data)
    model = CycleModel.from_arrays(shipped.cycles_arrays())
    items = chosen(data, known, seed)
    rows: dict[tuple[str, float], list[Int]] = {}
    called: dict[tuple[str, float], list[str]] = {}
    for place, item in enumerate(items):
        sound = sf.read(item.path, stop=LONGEST_S * RATE_HZ)[0]
        rng = np.random.default_rng([seed, place])
        cases = [("none", np.inf), *((kind, snr) for kind in KINDS for snr in SNR_DB)]
        for kind, snr_db in cases:
            noisy = sound if kind == "none" else mix(sound, _kind(kind), snr_db, rng)
            noisy = noisy / max(
                1.0, float(np.abs(noisy).max())
            )  # the gain is set so as not to clip
            onsets, good, values = analysed(noisy, lambda: CycleDecoder(model))
            key = (kind, snr_db)
            rows.setdefault(key, []).append(counts(known[item.name], len(sound), onsets, good))
            called.setdefault(key, []).extend(values)
    table = [
        _row(kind, snr, np.sum(rows[kind, snr], axis=0), called[kind, snr]) for kind, snr in rows
    ]
    return {
        "what": "S1 and S2 onsets within 100 ms, shipped decoder, clean recordings plus noise",
        "cycles_card": shipped.card(shipped.CYCLES),
        "recordings": [item.name for item in items],
        "rows": table,
    }


def _kind(name: str) -> NoiseKind:
    return next(kind for kind in KINDS if kind == name)


def _row(kind: str, snr_db: float, total: Int, values: Sequence[str]) -> dict[str, Any]:
    matched, wanted, found = (int(v) for v in total[:3])
    matched_good, wanted_good, found_good = (int(v) for v in total[3:])
    return {
        "noise": kind,
        "snr_db": None if np.isinf(snr_db) else snr_db,
        "f1": round(f1(matched, wanted, found), 4),
        "f1_accepted": round(f1(matched_good, wanted_good, found_good), 4) if wanted_good else None,
        "not_good": round(1.0 - values.count("good") / len(values), 4),
        "noisy": round(values.count("noisy") / len(values), 4),
        "sounds": wanted,
    }


def draw(figures: dict[str, Any], path: Path) -> None:
    """F1 and the share of rejected spans against the ratio."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(KINDS), figsize=(11, 3.6), sharey=True)
    for axis, kind in zip(axes, KINDS, strict=True):
        rows = [row for row in figures["rows"] if row["noise"] == kind]
        snr = [row["snr_db"] for row in rows]
        axis.plot(snr, [row["f1"] for row in rows], "o-", label="F1, all")
        accepted = [row["f1_accepted"] if row["not_good"] < 0.98 else np.nan for row in rows]
        axis.plot(snr, accepted, "s--", label="F1, good spans")
        axis.plot(snr, [row["not_good"] for row in rows], "^:", label="spans not good")
        axis.axhline(0.8, color="0.7", linewidth=0.8)
        axis.invert_xaxis()
        axis.set(title=f"{kind} noise", xlabel="signal-to-noise ratio, dB", ylim=(0, 1.02))
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Run, write figures and picture."""
    parser = argparse.ArgumentParser(description="F1 and quality against noise.")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "results")
    options = parser.parse_args()
    figures = study(options.data)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "noise.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    draw(figures, options.out / "noise.svg")
    sys.stdout.write(f"{options.out / 'noise.json'}\n{options.out / 'noise.svg'}\n")


if __name__ == "__main__":
    main()
