"""Markdown tables from the finished cells: nothing in them is typed by hand but the paper's row."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from training import evaluate
from training.datasets import Recording
from training.evaluate import HeldOut

WITHIN = (
    ("mean_auc", "mean AUC"),
    ("mean_macc", "mean MAcc"),
    ("mean_auc_no_e", "mean AUC without e"),
    ("weighted_auc_no_e", "weighted AUC without e"),
    ("pooled_auc", "pooled AUC"),
    ("pooled_macc", "pooled MAcc"),
)
SURE = (
    ("mean_auc_sure", "mean AUC, sure"),
    ("mean_macc_sure", "mean MAcc, sure"),
    ("unsure", "UNSURE"),
)


def systems_of(folder: Path, protocol: str) -> dict[str, set[int]]:
    """Systems with finished cells of a protocol, and their seeds."""
    out: dict[str, set[int]] = {}
    for path in sorted(folder.glob(f"*__{protocol}__*__*.json")):
        name, _, _, seed = path.stem.split("__")
        out.setdefault(name, set()).add(int(seed))
    return out


def write_all(results: Path, recordings: Sequence[Recording]) -> list[Path]:
    """Write one page per protocol that has finished cells; return the paths."""
    written = []
    for protocol, title in (
        ("S", "Protocol S: 5 folds by group, record level"),
        ("D", "Protocol D: one database left out, record level"),
    ):
        found = systems_of(results / "cells", protocol)
        if found:
            path = results / f"protocol-{protocol}.md"
            page = _page(title, results / "cells", found, protocol, recordings)
            path.write_text(page, encoding="utf-8")
            written.append(path)
    if systems_of(results / "cells", "P"):
        path = results / "protocol-P.md"
        path.write_text(_paper_page(results / "cells"), encoding="utf-8")
        written.append(path)
    return written


PAPER = {
    "Teacher (paper)": (90.5, 86.6, 87.9, 87.2, 94.3),
    "Student (paper)": (86.3, 79.4, 83.1, 81.0, 93.5),
    "KD T = 7, α = 0.1 (paper)": (88.5, 83.8, 85.4, 84.5, 93.6),
}
"""Quoted from Table II: accuracy, macro recall, precision, F1, specificity in percent."""


def _paper_page(cells: Path) -> str:
    keys = ("accuracy", "recall", "precision", "f1", "specificity")
    lines = [
        "# Protocol P: zero-padded cycles, split at random 10:1 (leaks)",
        "",
        "Samples of one recording fall on both sides: these figures stand beside the paper's and",
        "say nothing of a patient never met. Percent; recall, precision and F1 are macro averages.",
        "In brackets: 95 % interval of the accuracy (binomial, as if samples were independent).",
        "",
        "| system | seed | accuracy | recall | precision | F1 | specificity | test samples |",
        "|---" * 8 + "|",
    ]
    for name, printed in PAPER.items():
        lines.append(f"| {name} | – | " + " | ".join(f"{v:.1f}" for v in printed) + " | 3 421 |")
    for path in sorted(cells.glob("*__P__*.json")):
        cell = json.loads(path.read_text(encoding="utf-8"))
        figures = cell["windows"]
        n = figures["windows"]
        half = 196 * (figures["accuracy"] * (1 - figures["accuracy"]) / n) ** 0.5
        row = [f"{100 * figures[k]:.1f}" for k in keys]
        row[0] += f" (±{half:.1f})"
        lines.append(f"| {cell['system']} | {cell['seed']} | {' | '.join(row)} | {n:.0f} |")
    return "\n".join(lines) + "\n"


def _page(
    title: str,
    cells: Path,
    found: dict[str, set[int]],
    protocol: str,
    recordings: Sequence[Recording],
) -> str:
    held: dict[str, HeldOut] = {}
    for name, seeds in found.items():
        parts = [
            evaluate.held_out(evaluate.load_cells(cells, name, protocol, s), recordings)
            for s in sorted(seeds)
        ]
        if len({p.names for p in parts}) == 1:
            held[name] = evaluate.average_seeds(parts)
        else:
            held[name] = parts[0]
    columns = [*WITHIN, *SURE]
    lines = [
        f"# {title}",
        "",
        "Made by `apexbeat-train report` from the cells in `cells/`. Mean and weighted figures are",
        "within databases (weights P·N/(P+N)); pooled figures reward recognising the recorder.",
        "In brackets: 95 % interval by bootstrap over groups. Several seeds: their mean logit.",
        "",
        "| system | seeds | " + " | ".join(words for _, words in columns) + " |",
        "|---|---" * 1 + "|---" * len(columns) + "|",
    ]
    for name, h in held.items():
        figures = evaluate.figures(h)
        ranges = evaluate.intervals(h, [k for k, _ in WITHIN], draws=300)
        row = [_with_range(figures[k], ranges[k]) for k, _ in WITHIN]
        row += [f"{figures[k]:.3f}" for k, _ in SURE]
        lines.append(f"| {name} | {len(found[name])} | " + " | ".join(row) + " |")
    lines += ["", "AUC (MAcc) of each database:", "", "| system | a | b | c | d | e | f |"]
    lines.append("|---" * 7 + "|")
    for name, h in held.items():
        figures = evaluate.figures(h)
        row = [
            f"{figures[f'auc_{d}']:.3f} ({figures[f'macc_{d}']:.3f})"
            if f"auc_{d}" in figures
            else "–"
            for d in "abcdef"
        ]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def _with_range(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval[0]:.2f}–{interval[1]:.2f})"
