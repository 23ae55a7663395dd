"""What the quality gate costs, and which rule gives a person a verdict.

``python -m training.experiments.gate SYSTEM --data ../shared/data``: every labelled recording of
CirCor is played into the monitor with the network of the fold that held its person out; so are the
other recordings of those persons (a murmur not heard at that place), the quality-0 recordings of
cinc2016 and PASCAL's artifacts, which nobody trained on. Of each window the monitor's p, its
objection and the confidence of its beats are kept; the rules are then compared on the same windows.
``--model FILE`` plays a student file that never trained on CirCor instead. Writes
docs/results/gate-SYSTEM.json.

| rule | a window counts where | verdict from |
|---|---|---|
| strict | all its spans are good | 1 window |
| strict 3 | the same | 3 windows |
| noisy beats | or all it lacks is quiet, and its beats' mean confidence is ≥ 0.9 | 3 windows |
| as built | the monitor's own verdict at the end of the recording | |

``places heard`` says what a person is called who was heard at some of the places only: children of
whom all four recordings have a verdict, over every choice of so many of the four; once for the
half of the children by which the least number was chosen, once for the other.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dsp.cycles.model import CycleModel
from dsp.windows import WINDOW
from models import shipped
from models.engine import Engine
from models.engine_torchscript import open_model
from monitor.analysis.person import RULES
from monitor.analysis.verdict import logit
from monitor.events import Beat, Event, Verdict, Window
from training import datasets, evaluate
from training.calibrate import UNSURE_P
from training.cells import Cell, commit
from training.datasets import Recording
from training.experiments.gate_persons import judged_in_part, persons, places_heard
from training.extra_datasets import fit_to_train
from training.monitor_eval import export_cell, play
from training.options import one_thread, say
from training.prepare import cache_folder
from training.scores import auc
from training.splits import FOLDS, split
from training.whole import write_whole

CONFIDENT = 0.9
DRAWS = 1000


@dataclass(frozen=True, slots=True)
class GatedRecording:
    """What the monitor said of one recording.

    Attributes
    ----------
    windows
        Those with a p: its logit, the objection (empty: none), mean confidence of its beats.
    verdict
        Logit of the last verdict's p; None where there is none.
    """

    windows: list[tuple[float, str, float]]
    verdict: float | None


def windows_that_count(least: int, noisy: bool) -> Callable[[GatedRecording], float | None]:
    """Build a gate: mean logit of the windows that count, None where they are too few."""

    def judge(heard: GatedRecording) -> float | None:
        used = [
            z
            for z, reason, confidence in heard.windows
            if not reason or (noisy and reason == "noisy" and confidence >= CONFIDENT)
        ]
        return float(np.mean(used)) if len(used) >= least else None

    return judge


GATES: dict[str, Callable[[GatedRecording], float | None]] = {
    "strict": windows_that_count(1, False),
    "strict 3": windows_that_count(3, False),
    "noisy beats": windows_that_count(3, True),
    "as built": lambda heard: heard.verdict,
}


def heard_of(events: Sequence[Event]) -> GatedRecording:
    """What the gates look at in one recording."""
    beats = [(e.s1, e.confidence) for e in events if isinstance(e, Beat) and e.s1 is not None]
    at = np.array([s1 for s1, _ in beats])
    confidence = np.array([c for _, c in beats])
    found: list[tuple[float, str, float]] = []
    for e in events:
        if isinstance(e, Window) and e.p is not None:
            inside = (at >= e.start) & (at < e.start + WINDOW)
            mean = float(confidence[inside].mean()) if inside.any() else 0.0
            found.append((round(logit(e.p), 4), e.reason or "", round(mean, 3)))
    last = [e for e in events if isinstance(e, Verdict)][-1:]
    p = last[0].p if last and last[0].value != "none" else None
    return GatedRecording(found, None if p is None else round(logit(p), 4))


def record_logits(
    gate: Callable[[GatedRecording], float | None], heard: Mapping[str, GatedRecording]
) -> dict[str, float]:
    """Mean logit p of each recording that gets a verdict."""
    found = {name: gate(one) for name, one in heard.items()}
    return {name: z for name, z in found.items() if z is not None}


def play_all(
    system: str, data: Path, results: Path, seed: int
) -> dict[str, dict[str, GatedRecording]]:
    """Windows of all recordings: set → name → windows; each fold is kept in the cache folder."""
    sets = held_out_sets(data)
    cells = evaluate.load_cells(results / "cells", system, "S", seed)
    everyone = datasets.load_all(data / "cinc2016")
    found: dict[str, dict[str, GatedRecording]] = {name: {} for name in sets}
    for cell in cells:
        fold, key = int(cell["fold"]), cell["key"]
        path = cache_folder() / "gate" / f"{system}-{key}-{fold}-{seed}.json"
        if not path.is_file():
            calibration = evaluate.calibration(cells, everyone, without=fold)
            mine = {n: of_fold(own, fold, data) for n, own in sets.items()}
            own = Cell(system, "S", fold, seed)
            heard = _played(mine, export_cell(own, calibration, path.with_suffix(".pt")))
            write_whole(path, msgspec.json.encode(heard).decode())
            say(f"fold {fold} played")
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, GatedRecording]])
        for name, windows in kept.items():
            found[name] |= windows
    return found


def _played(
    sets: Mapping[str, Sequence[Recording]], engine: Engine
) -> dict[str, dict[str, GatedRecording]]:
    cycles = CycleModel.from_arrays(shipped.cycles_arrays())
    return {
        name: {r.name: heard_of(play(r, engine, cycles)) for r in own} for name, own in sets.items()
    }


def held_out_sets(data: Path) -> dict[str, list[Recording]]:
    """Recordings that are played: persons of CirCor, and what holds no heart to be judged."""
    circor = datasets.load_circor(data / "circor")
    known = {r.group for r in circor if r.label >= 0}
    pascal = datasets.load_pascal(data / "pascal")
    return {
        "circor": [r for r in circor if r.group in known],
        "quality 0": [
            r for r in datasets.load_cinc2016(data / "cinc2016") if r.scored and r.quality == 0
        ],
        "artifacts": [r for r in pascal if r.diagnosis == "artifact"],
    }


def of_fold(recordings: Sequence[Recording], fold: int, data: Path) -> list[Recording]:
    """Those whose group the fold holds out; where no group trains, every fifth recording."""
    if recordings[0].database == "pascal":
        return list(recordings[fold::FOLDS])
    everyone = datasets.load_cinc2016(data / "cinc2016")
    if recordings[0].further:
        loaded = (datasets.FURTHER[name](data / name) for name in sorted(datasets.FURTHER))
        everyone = [r for own in loaded for r in fit_to_train(own)]
    test = split(everyone, "S", fold).test
    groups = {r.group for r in everyone if r.name in test}
    return [r for r in recordings if r.group in groups]


def figures_of_records(
    label: Mapping[str, int], group: Mapping[str, str], z: Mapping[str, float]
) -> dict[str, Any]:
    """Share with a verdict, AUC, sensitivity and specificity over labelled recordings.

    ``auc_none_undecided``: a recording without a verdict counts as p = 0.5.
    """
    names = sorted(n for n, value in label.items() if value >= 0)
    truth = np.array([label[n] for n in names])
    score = np.array([z.get(n, np.nan) for n in names])
    out = _figures(truth, score)
    rng = np.random.default_rng(0)
    members: dict[str, list[int]] = {}
    for i, n in enumerate(names):
        members.setdefault(group[n], []).append(i)
    groups = [np.array(m) for m in members.values()]
    return out | _intervals(truth, score, groups, rng)


def _figures(truth: NDArray[np.int64], z: NDArray[np.float64]) -> dict[str, float]:
    low, high = (logit(p) for p in UNSURE_P)
    known = np.isfinite(z)
    sure = known & ((z <= low) | (z >= high))
    filled = np.where(known, z, 0.0)
    return {
        "subjects": float(truth.size),
        "with_verdict": float(known.mean()),
        "unsure": float((known & ~sure).sum() / max(known.sum(), 1)),
        "auc": auc(truth[known], z[known]),
        "auc_none_undecided": auc(truth, filled),
        "sensitivity_decided": _share(z[sure & (truth == 1)] > 0),
        "specificity_decided": _share(z[sure & (truth == 0)] <= 0),
        "found_of_all_abnormal": _share(filled[truth == 1] >= high),
        "alarmed_of_all_normal": _share(filled[truth == 0] >= high),
    }


def _share(hit: NDArray[np.bool_]) -> float:
    return float(hit.mean()) if hit.size else float("nan")


def _intervals(
    truth: NDArray[np.int64],
    z: NDArray[np.float64],
    groups: Sequence[NDArray[np.int64]],
    rng: np.random.Generator,
) -> dict[str, list[float]]:
    drawn = []
    for _ in range(DRAWS):
        i = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
        drawn.append(_figures(truth[i], z[i]))
    keys = ("with_verdict", "auc", "auc_none_undecided", "sensitivity_decided",
            "specificity_decided", "found_of_all_abnormal")  # fmt: skip
    return {
        f"{k}_95": [
            round(float(q), 4) for q in np.nanquantile([d[k] for d in drawn], (0.025, 0.975))
        ]
        for k in keys
    }


def compare(
    sets: Mapping[str, Sequence[Recording]], heard: Mapping[str, Mapping[str, GatedRecording]]
) -> dict[str, Any]:
    """All figures of all gates."""
    children = sets["circor"]
    label = {r.name: r.label for r in children}
    group = {r.name: r.group for r in children}
    out: dict[str, Any] = {}
    for name, gate in GATES.items():
        z = record_logits(gate, heard["circor"])
        rows: dict[str, Any] = {"circor recordings": figures_of_records(label, group, z)}
        for rule in RULES:
            who, truth, score = persons(children, z, rule)
            rows[f"circor persons, {rule}"] = _figures(truth, score) | _intervals(
                truth, score, [np.array([k]) for k in range(len(who))], np.random.default_rng(0)
            )
            few = [_figures(*persons(children, z, rule, 2, k)[1:]) for k in range(20)]
            rows[f"circor persons, {rule}, at most two recordings"] = {
                k: float(np.nanmean([f[k] for f in few])) for k in few[0]
            }
        for other in ("quality 0", "artifacts"):
            z = record_logits(gate, heard[other])
            own = {r.name: r.label for r in sets[other]}
            rows[other] = {"recordings": len(own), "with_verdict": len(z) / len(own)}
            if max(own.values()) > 0:
                rows[other] |= {"auc": auc(*_arrays(own, z))}
        z = record_logits(gate, heard["circor"])
        rows["places heard"] = places_heard(children, z)
        rows["judged in part"] = judged_in_part(children, z)
        out[name] = rows
    return out


def _arrays(
    label: Mapping[str, int], z: Mapping[str, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels and logits of the recordings with a verdict."""
    return np.array([label[n] for n in z]), np.array([*z.values()])


def rounded(value: Any) -> Any:
    """Every number to four decimals."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main(arguments: Sequence[str] | None = None) -> None:
    """Play, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("system", help="With finished cells of protocol S; or a file's name.")
    parser.add_argument("--model", type=Path, help="A student file that is played instead.")
    parser.add_argument("--data", type=Path, required=True, help="Folder of all the sets.")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    one_thread()
    sets = held_out_sets(asked.data)
    if asked.model:
        sha256 = hashlib.sha256(asked.model.read_bytes()).hexdigest()
        heard = _played(sets, open_model(asked.model, sha256))
    else:
        heard = play_all(asked.system, asked.data, asked.results, asked.seed)
    found = {
        "command": f"python -m training.experiments.gate {asked.system} --data DATA"
        + ("" if asked.model else f" --seed {asked.seed}"),
        "commit": commit(),
        "what": f"{asked.system}, "
        + ("never trained on these sets" if asked.model else f"seed {asked.seed}, held-out persons")
        + " through the monitor; "
        f"unsure between p {UNSURE_P[0]} and {UNSURE_P[1]}; intervals over persons",
        "gates": rounded(compare(sets, heard)),
    }
    path = asked.results / f"gate-{asked.system}.json"
    write_whole(path, json.dumps(found, indent=1) + "\n")
    say(f"wrote {path}")


if __name__ == "__main__":
    main()
