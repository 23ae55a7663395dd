"""Markdown tables from the finished cells: nothing in them is typed by hand but the paper's row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training import comparisons as gains
from training import evaluate
from training.cells import SYSTEMS
from training.datasets import Recording
from training.paper import tables as paper_tables

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


def systems_of(folder: Path, protocol: str) -> dict[str, list[int]]:
    """Systems with finished cells of a protocol, and the seeds that have the most folds."""
    folds: dict[str, dict[int, int]] = {}
    for path in sorted(folder.glob(f"*__{protocol}__*__*.json")):
        name, _, _, seed = path.stem.split("__")
        finished = folds.setdefault(name, {})
        finished[int(seed)] = finished.get(int(seed), 0) + 1
    return {
        name: sorted(seed for seed, n in finished.items() if n == max(finished.values()))
        for name, finished in folds.items()
    }


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
    path.write_text(paper_tables.page(results, systems), encoding="utf-8")
    paper_tables.plot(results / "cells", picture, systems)
    return [path, picture]


def _page(
    title: str,
    cells: Path,
    found: dict[str, list[int]],
    protocol: str,
    recordings: Sequence[Recording],
) -> str:
    finished = {
        name: [evaluate.load_cells(cells, name, protocol, s) for s in seeds]
        for name, seeds in found.items()
    }
    held = {name: evaluate.of_seeds(seeds, recordings) for name, seeds in finished.items()}
    columns = [*WITHIN, *SURE]
    lines = [
        f"# {title}",
        "",
        "Made by `apexbeat-train report` from the cells in `cells/`. Mean and weighted figures are",
        "within databases (weights P·N/(P+N)); pooled figures reward recognising the recorder.",
        "In brackets: 95 % interval by bootstrap over groups. Several seeds: the mean of their",
        "figures, never the figures of their mean.",
        "",
        "| system | seeds | " + " | ".join(words for _, words in columns) + " |",
        "|---|---" * 1 + "|---" * len(columns) + "|",
    ]
    means = {name: evaluate.over_seeds(parts) for name, parts in held.items()}
    for name, figures in means.items():
        ranges = evaluate.intervals(held[name], [k for k, _ in WITHIN], draws=300)
        row = [_with_range(figures[k], ranges[k]) for k, _ in WITHIN]
        row += [f"{figures[k]:.3f}" for k, _ in SURE]
        lines.append(f"| {name} | {len(found[name])} | " + " | ".join(row) + " |")
    lines += ["", "AUC (MAcc) of each database:", "", "| system | a | b | c | d | e | f |"]
    lines.append("|---" * 7 + "|")
    for name, figures in means.items():
        row = [
            f"{figures[f'auc_{d}']:.3f} ({figures[f'macc_{d}']:.3f})"
            if f"auc_{d}" in figures
            else "–"
            for d in "abcdef"
        ]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    lines += _further_rows({name: seeds[0] for name, seeds in finished.items()})
    compared = gains.lines(cells.parent, protocol)
    lines += ["", "Compared, by bootstrap over groups:", "", *compared] if compared else []
    return "\n".join(lines) + "\n"


def _further_rows(first: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Held-out AUC of the further sets, for the systems that train on them (first seed)."""
    rows = {name: evaluate.further_auc(cells) for name, cells in first.items()}
    sets = sorted({s for row in rows.values() for s in row})
    if not sets:
        return []
    lines = ["", "Further sets that train, AUC of their held-out recordings:", ""]
    lines += [f"| system | {' | '.join(sets)} |", "|---" * (1 + len(sets)) + "|"]
    lines += [
        f"| {name} | " + " | ".join(f"{row[s]:.3f}" if s in row else "–" for s in sets) + " |"
        for name, row in rows.items()
        if row
    ]
    return lines


def _with_range(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval[0]:.2f}–{interval[1]:.2f})"
