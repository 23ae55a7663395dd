"""Markdown tables from the finished cells: nothing in them is typed by hand but the paper's row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training import evaluate, paper_tables
from training.cells import SYSTEMS
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
        written += write_paper(results)
    return written


def write_paper(results: Path, systems: Path = SYSTEMS) -> list[Path]:
    """Write Tables II and III and their plot."""
    path, picture = results / "protocol-P.md", results / "protocol-P.svg"
    path.write_text(paper_tables.page(results / "cells", systems), encoding="utf-8")
    paper_tables.plot(results / "cells", picture, systems)
    return [path, picture]


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
