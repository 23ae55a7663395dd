"""Fine-tuning of a finished student on recordings of one's own, with two guards.

The weights come from the model file itself (batch normalisation is folded into them). Every batch
is half of one's own recordings and half of the public set. Five folds by person tell what is
gained on persons that were not heard, and what is lost on the public set; only then everything
trains, and the file is written. Where nothing is gained, or the old figures fall by more than
`LOSS`, nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.contract import ModelRefused
from models.engine_torchscript import open_model
from monitor.replay.scores import auc, auc_interval
from training import cells
from training.bundle_fit import record_scores, train_on
from training.calibrate import calibrate
from training.config import Config, Distil
from training.dataset_bundle import DatasetBundle, Progress, open_cinc2016
from training.datasets import OWN, UNLISTED_GROUP
from training.errors import TrainingError
from training.evaluate import DRAWS, HeldOut
from training.export import Provenance, classifier
from training.extra_datasets import joined
from training.fit import Fitted
from training.networks import Network, build
from training.own import OwnSet
from training.prepare import manifest
from training.scores import Array, within
from training.ship import publish
from training.splits import FOLDS, split

LOSS = 0.02
"""So far the mean AUC within the databases of the public set may fall."""
RATE = 3e-4
MOST_WINDOWS = 24
"""Windows of a recording that are scored."""
LAYERS = ("aten::conv1d", "aten::conv2d", "aten::linear")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Change:
    """A figure before and after."""

    before: float
    after: float

    @property
    def words(self) -> str:
        """Both, and the difference."""
        return f"{self.before:.3f} → {self.after:.3f} ({self.after - self.before:+.3f})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What fine-tuning does to held-out persons of one's own, and to the public set.

    ``own_interval`` is that of the AUC afterwards, ``gain_interval`` that of the difference.
    """

    own: Change
    own_interval: tuple[float, float]
    gain_interval: tuple[float, float]
    old: Change
    held: HeldOut


def student_of(path: Path) -> tuple[Config, Network]:
    """Configuration and network of a student file, as they can be trained further.

    Raises
    ------
    TrainingError
        If the file is refused, or its card does not say which system it is.
    """
    card = path.with_suffix(".json")
    try:
        engine = open_model(path)
        name = json.loads(card.read_text(encoding="utf-8"))["system"]
    except ModelRefused as refused:
        raise TrainingError(str(refused)) from None
    except (OSError, KeyError, ValueError):
        raise TrainingError(
            f"{card} does not say which system the model is", "take one of apexbeat-train export"
        ) from None
    base = cells.system(name)
    options = base.options | ({"norm": False} if "norm" in base.options else {})
    config = replace(
        base, name=f"{base.name}-finetuned", title="", options=options, distil=Distil(), also=(),
        rate=RATE, epochs=3, windows_per_epoch=6400,
    )  # fmt: skip
    network = build(config)
    _copy_weights(path, network)
    window = torch.from_numpy(engine.contract.reference()[None].astype(np.float32))
    with torch.inference_mode():
        found = classifier(config, network)(window)[0].tolist()
    if not np.allclose(found, engine.contract.reference_logits, atol=1e-3):
        raise TrainingError(f"{path}: its weights are not those of system {name}")
    return config, network


def _copy_weights(path: Path, network: Network) -> None:
    """Take the layers of a frozen file, in the order in which they are called."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    found = []
    for node in module.graph.nodes():
        parts = [part.node() for part in list(node.inputs())[1:3]] if node.kind() in LAYERS else []
        if parts and all(part.hasAttribute("value") for part in parts):
            found.append([part.t("value") for part in parts])
    layers = [m for m in network.modules() if isinstance(m, nn.Conv1d | nn.Conv2d | nn.Linear)]
    if [tuple(layer.weight.shape) for layer in layers] != [tuple(w.shape) for w, _ in found]:
        raise TrainingError(f"{path}: its layers are not those of its system")
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, found, strict=True):
            layer.weight.copy_(weight)
            if layer.bias is not None:
                layer.bias.copy_(bias)


def finetune(
    data: OwnSet,
    old: Path,
    out: Path,
    *,
    model: Path,
    seed: int = 0,
    epochs: int | None = None,
    windows: int | None = None,
    anyway: bool = False,
    say: Say = lambda text: None,
    progress: Progress = iter,
) -> str:
    """Fine-tune, judge by the folds, write; return the sha256 of the file.

    Parameters
    ----------
    old
        Folder of cinc2016: half of every batch, and the guard.
    model
        The student to begin with.
    epochs, windows
        Of a training; by default those of this module.
    anyway
        Write the file whatever the guards say.

    Raises
    ------
    TrainingError
        If a guard refuses, or anything cannot be read or written.
    """
    config, first = student_of(model)
    config = replace(
        config,
        epochs=epochs or config.epochs,
        windows_per_epoch=windows or config.windows_per_epoch,
    )
    config = replace(config, batch=min(config.batch, config.windows_per_epoch))
    public = open_cinc2016(old, config.mfcc, progress=progress)
    world = joined(public, data.open(config, progress), config.mfcc.hop_length)
    databases = {r.database for r in public.recordings if r.group != UNLISTED_GROUP}
    share = sum(config.weights.get(name, 1.0) for name in databases)
    config = replace(config, weights=config.weights | {OWN: share})
    begun = hashlib.sha256(model.read_bytes()).hexdigest()[:8]
    runs = data.runs / f"{config.name}-{config.key()}-{begun}-{manifest(public.recordings)[:8]}"
    training = _Training(config, first, world, runs, seed)
    outcome = _by_folds(training, say)
    low, high = outcome.gain_interval
    chance = ": no more than chance" if low <= 0 else ""
    say(f"held-out persons, AUC {outcome.own.words}, 95 % {low:+.3f} to {high:+.3f}{chance}")
    say(f"public set, mean AUC within databases {outcome.old.words}")
    _guard(outcome, anyway)
    whole = training.run("all", 0)
    words = f"fine-tuned from {model.name}, {FOLDS} folds by person, record level"
    provenance = Provenance(
        name=out.stem,
        version="1",
        trained_on=f"{data.about}; begun with the weights of {model.name}, half of each batch from"
        f" {old.resolve().name}",
        split="all persons train; bias, temperature and thresholds from 5-fold held-out persons",
        figures={words: _shown(outcome)},
    )
    held = outcome.held
    calibration = calibrate(held.label, held.z, held.database)
    return publish(out, config, whole.network, calibration, provenance, seed)


def _guard(outcome: Outcome, anyway: bool) -> None:
    remedy = "nothing is written; --anyway writes it"
    if anyway:
        return
    if not outcome.own.after > outcome.own.before:
        raise TrainingError(
            f"fine-tuning gains nothing on held-out persons: AUC {outcome.own.words}", remedy
        )
    if outcome.old.after < outcome.old.before - LOSS:
        raise TrainingError(f"the old figures fall: AUC {outcome.old.words}", remedy)


def _shown(outcome: Outcome) -> dict[str, float]:
    low, high = outcome.own_interval
    least, most = outcome.gain_interval
    return {
        "own, AUC before": round(outcome.own.before, 3),
        "own, AUC": round(outcome.own.after, 3),
        "own, AUC, low end of 95 %": round(low, 3),
        "own, AUC, high end of 95 %": round(high, 3),
        "own, gain, low end of 95 %": round(least, 3),
        "own, gain, high end of 95 %": round(most, 3),
        "public set, mean AUC within databases before": round(outcome.old.before, 3),
        "public set, mean AUC within databases": round(outcome.old.after, 3),
    }


@dataclass(frozen=True, slots=True)
class _Training:
    """What the folds have in common."""

    config: Config
    first: Network
    world: DatasetBundle
    runs: Path
    seed: int

    def run(self, protocol: str, fold: int) -> Fitted:
        """Train on what a fold leaves."""
        more: dict[str, Any] = {
            "begin": self.first.state_dict(),
            "checkpoint": self.runs / f"{protocol}-{fold}-{self.seed}" / "last.pt",
        }
        names = split(self.world.recordings, protocol, fold).train
        return train_on(self.config, self.world, names, self.seed, **more)


def _by_folds(training: _Training, say: Say) -> Outcome:
    """Train each fold; score what it held out with the student before and after."""
    config, world = training.config, training.world
    by_name = {r.name: r for r in world.recordings}
    rows: list[tuple[str, float, float, int]] = []
    for fold in range(FOLDS):
        fitted = training.run("S", fold)
        test = split(world.recordings, "S", fold).test
        before = record_scores(config, Fitted(training.first), world, test, MOST_WINDOWS)
        after = record_scores(config, fitted, world, test, MOST_WINDOWS)
        rows += [(name, before[name][0], after[name][0], fold) for name in after]
        say(f"fold {fold + 1} of {FOLDS}")
    name, z0, z1, fold_of = zip(*rows, strict=True)
    mine = [by_name[n] for n in name]
    label, database = np.array([r.label for r in mine]), np.array([r.database for r in mine])
    group = np.array([r.group for r in mine])
    own, old, new = database == OWN, np.array(z0), np.array(z1)
    persons = [len(set(group[own & (label == k)].tolist())) for k in (1, 0)]
    change = Change(auc(label[own], old[own]), auc(label[own], new[own]))
    public = [within(label[~own], z[~own], database[~own])["mean_auc"] for z in (old, new)]
    held = HeldOut(name, label, new, database, group, np.array(fold_of))
    gain = _gain_interval(label[own], old[own], new[own], group[own])
    return Outcome(change, auc_interval(change.after, *persons), gain, Change(*public), held)


def _gain_interval(
    label: NDArray[np.int64], old: Array, new: Array, group: NDArray[np.str_]
) -> tuple[float, float]:
    """95 % interval of the difference of two AUC over the same recordings, drawn by person."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(group == name) for name in sorted(set(group.tolist()))]
    drawn = []
    for _ in range(DRAWS):
        i = np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))])
        drawn.append(auc(label[i], new[i]) - auc(label[i], old[i]))
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return float(low), float(high)
