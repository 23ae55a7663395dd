"""The shipped student: trained on all groups, calibrated on held-out ones, with its card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.contract import ModelRefused
from models.engine_torchscript import open_model
from models.shipped.pin import pin
from training import evaluate
from training.cells import SYSTEMS, Cell, Say, commit, system, trained
from training.config import Config
from training.dataset_bundle import DatasetBundle
from training.errors import TrainingError
from training.export import Calibration, Provenance, classifier, write
from training.export_onnx import write_onnx
from training.networks import Network
from training.own import DataSource, OwnSet, key_of, open_source, runs_of
from training.phantoms import ABOUT
from training.splits import FOLDS

TRAINED_ON = (
    "PhysioNet/CinC Challenge 2016 (cinc2016): all groups but e-unlisted, hand-annotated S1"
)
FURTHER = {
    "circor": "CirCor DigiScope (children), murmur at this place against none, held-out persons",
    "pascal": "PASCAL set b, noisy recordings, murmur against normal, held-out patients",
    "yaseen": "Yaseen 2018, four valve diseases against normal, held-out recordings",
}
ALSO = {
    "circor": "CirCor DigiScope 1.0.3, places with a murmur and persons without",
    "pascal": "PASCAL 2011 set b, its noisy recordings with a label",
    "yaseen2018": "Yaseen 2018, a quarter of it",
}
SPLIT = "all groups train; bias, temperature and thresholds from 5-fold held-out groups"
SHOWN = (
    "mean_auc", "mean_macc", "mean_auc_no_e", "weighted_auc_no_e", "pooled_auc", "pooled_macc",
    "mean_auc_sure", "mean_macc_sure", "unsure", "calibration_error",
)  # fmt: skip


def trained_on(data: DataSource, config: Config) -> str:
    """Words for the sets that train: the folder's own (phantoms have some), else cinc2016's."""
    if isinstance(data, OwnSet):
        return data.about
    about = data / ABOUT
    first = about.read_text(encoding="utf-8").strip() if about.is_file() else TRAINED_ON
    return "; ".join([first, *(f"{ALSO[n]}, S1 by the decoder" for n in config.also)])


def held_out_calibration(
    name: str, world: DatasetBundle, results: Path, seed: int, data: str = ""
) -> tuple[Calibration, dict[str, Any]]:
    """Calibration and figures of a system from its finished cells of protocol S."""
    cells = evaluate.load_cells(results / "cells", name, "S", seed, data)
    held = evaluate.held_out(cells, world.recordings, further=True)
    figures = evaluate.figures(held)
    shown = {k: round(figures[k], 3) for k in SHOWN}
    words = f"protocol S, {len(cells)} of {FOLDS} folds, record level"
    further = {FURTHER[k]: round(v, 3) for k, v in evaluate.further_auc(cells).items()}
    own = {f"{words}, further sets that train, AUC": further} if further else {}
    return evaluate.calibration(cells, world.recordings), {words: shown} | own


def ship(
    name: str,
    data: DataSource,
    out: Path,
    *,
    seed: int,
    version: str,
    results: Path,
    systems: Path = SYSTEMS,
    say: Say = lambda text: None,
    pin_it: bool = False,
) -> str:
    """Train (or take from its checkpoint), calibrate, export; return the sha256 of the file.

    Raises
    ------
    TrainingError
        If no cell of protocol S is finished, or the export refuses the model.
    """
    config = system(name, systems)
    world = open_source(data, config)
    calibration, figures = held_out_calibration(name, world, results, seed, key_of(data))
    own = Cell(name, "all", 0, seed, key_of(data))
    folder, runs = results / "cells", runs_of(data)
    fitted = trained(config, world, own, systems=systems, runs=runs, folder=folder, say=say)
    provenance = Provenance(
        name=out.stem,
        version=version,
        trained_on=trained_on(data, config),
        split=SPLIT,
        distilled_from=_teacher_words(config),
        figures=figures,
    )
    return publish(out, config, fitted.network, calibration, provenance, seed, pin_it=pin_it)


def publish(
    out: Path,
    config: Config,
    network: Network,
    calibration: Calibration,
    provenance: Provenance,
    seed: int,
    *,
    pin_it: bool = False,
) -> str:
    """Write the student file, its card as JSON and as a page, and ONNX; return the sha256.

    Raises
    ------
    TrainingError
        If the export refuses the model.
    """
    try:
        sha256 = write(out, config, network, calibration, provenance)
    except ModelRefused as refused:
        raise TrainingError(f"the export would be refused: {refused}") from refused
    card_path = out.with_suffix(".json")
    card = json.loads(card_path.read_text())
    card |= {"system": config.name, "configuration": config.key(), "commit": commit(), "seed": seed}
    card_path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    page = "MODEL_CARD.md" if out.stem == "student" else f"MODEL_CARD_{out.stem}.md"
    out.with_name(page).write_text(model_card(card), encoding="utf-8")
    onnx = out.with_suffix(".onnx")
    write_onnx(onnx, classifier(config, network), open_model(out, sha256).contract)
    if pin_it:
        pin(out.parent, out.name)
        pin(out.parent, onnx.name)
    return sha256


def _teacher_words(config: Config) -> str | None:
    d = config.distil
    if not d.teacher:
        return None
    words = f"{d.teacher}, {len(d.seeds)} seed(s), T = {d.temperature:g}, alpha = {d.alpha:g}"
    return words + (", its mean logit of the recording" if d.of_recordings else "")


def model_card(card: dict[str, Any]) -> str:
    """The card as Markdown."""
    lines = [
        f"# {card['name']} {card['version']}",
        "",
        "Tells normal from abnormal heart sound in 2.5 s windows. **Not a medical device.**",
        "This page is made by `apexbeat-train export`.",
        "",
        "| | |",
        "|---|---|",
        f"| file | `{card['file']}`, {card['bytes']:,} bytes, sha256 `{card['sha256']}` |",
        f"| trained on | {card['trained_on']} |",
        f"| split | {card['split']} |",
        f"| distilled from | {card['distilled_from'] or 'nothing: labels alone'} |",
        f"| system | `{card['system']}`, key {card['configuration']}, commit {card['commit']} |",
        f"| parameters | {card['parameters']:,} |",
        f"| multiply-adds per window | {card['multiply_adds'] / 1e6:.2f} M, "
        f"front end {card['front_end_multiply_adds'] / 1e6:.2f} M |",
        f"| window | {card['window']}, 5 000 samples at 2 kHz from each S1 |",
        f"| signal chain | version {card['chain_version']} |",
        f"| p | sigmoid((z1 - z0 - ({card['bias']})) / {card['calibration_temperature']}), "
        "the posterior at equal priors |",
        f"| thresholds | normal at p ≤ {card['threshold_normal']}, "
        f"abnormal at p ≥ {card['threshold_abnormal']}, unsure between |",
        "",
        "## Front end",
        "",
        "| setting | value |",
        "|---|---|",
        *[f"| {k} | {v} |" for k, v in card["mfcc"].items()],
        "",
        "## Held-out figures",
        "",
    ]
    for title, figures in card["figures"].items():
        lines += [f"{title}:", "", "| figure | value |", "|---|---|"]
        lines += [f"| {k} | {v} |" for k, v in figures.items()] + [""]
    lines += [
        "Means are over databases: a pooled figure rewards recognising the recording device.",
        "",
        "## What it does not know",
        "",
        *_knows_not(card["trained_on"]),
        "",
    ]
    return "\n".join(lines)


def _knows_not(trained_on: str) -> tuple[str, ...]:
    if not trained_on.startswith(TRAINED_ON):
        return (f"Trained on {trained_on}.",)
    first, *rest = KNOWS_NOT
    who = CHILDREN if ALSO["circor"] in trained_on else ADULTS
    return (f"{who} {first}", *rest)


ADULTS = (
    "Trained mostly on adults (databases a to f of cinc2016; few children), on stethoscopes of six"
    "\nkinds."
)
CHILDREN = (
    "Trained on adults (databases a to f of cinc2016, six kinds of stethoscope) and on children of"
    "\none country and one stethoscope (CirCor), where abnormal means that a murmur is heard,"
    "\ninnocent ones included."
)
KNOWS_NOT = (
    "Abnormal means what the six sources called abnormal: valve disease, coronary",
    "disease, and in *a* also benign murmurs. A murmur too faint to hear, or lung sounds and",
    "rubbing over it, will be missed or taken for one; the verdict *unsure* and the signal",
    "quality say when not to rely on it.",
)
