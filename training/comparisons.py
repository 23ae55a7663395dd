"""What one system gains over another: kept with its interval and p-value, printed in the tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.whole import write_whole

FILE = "gains.json"
WORDS = {
    "accuracy": "accuracy",
    "mean_auc": "mean AUC",
    "mean_macc": "mean MAcc",
    "mean_auc_no_e": "mean AUC without e",
    "weighted_auc_no_e": "weighted AUC without e",
}


def keep(
    results: Path,
    protocol: str,
    pair: tuple[str, str],
    figure: str,
    seeds: tuple[int, ...],
    found: dict[str, float],
) -> None:
    """Add one comparison to ``gains.json``; the same comparison made again takes its place."""
    path = results / FILE
    kept = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    first, second = pair
    command = f"apexbeat-train compare {first} {second} --protocol {protocol} --figure {figure}"
    kept[f"{protocol}: {first} less {second}, {figure}"] = {
        "protocol": protocol, "first": first, "second": second, "figure": figure,
        "seeds": list(seeds), **found,
        "command": f"{command} --seeds {','.join(map(str, seeds))}",
    }  # fmt: skip
    write_whole(path, json.dumps(dict(sorted(kept.items())), indent=1) + "\n")


def lines(results: Path, protocol: str) -> list[str]:
    """The kept comparisons of a protocol as Markdown lines."""
    path = results / FILE
    if not path.is_file():
        return []
    kept = json.loads(path.read_text(encoding="utf-8")).values()
    return [_line(row) for row in kept if row["protocol"] == protocol]


def _line(row: dict[str, Any]) -> str:
    share = row["figure"] == "accuracy"
    difference, low, high = (
        f"{100 * row[k]:+.2f}" if share else f"{row[k]:+.3f}" for k in ("difference", "low", "high")
    )
    unit = " points" if share else ""
    figure = WORDS.get(row["figure"], row["figure"])
    seeds = len(row["seeds"])
    return (
        f"- {row['first']} less {row['second']}, {figure}, {seeds} "
        f"seed{'s' if seeds > 1 else ''}: {difference}{unit} ({low} to {high}), "
        f"p {row['p']:.2g}."
    )
