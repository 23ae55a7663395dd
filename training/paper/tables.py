"""Tables II and III of the paper, its figures beside ours, and their plot.

Nothing is typed by hand but what the paper prints (``PRINTED``). Rows whose system has no finished
cell stand in the table without a figure of ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training import comparisons as gains
from training.cells import SYSTEMS, system
from training.costs import Costs, costs

KEYS = ("accuracy", "recall", "precision", "f1", "specificity")
POINTS = ((1, 0.3), (3, 0.3), (5, 0.3), (7, 0.1), (7, 0.3), (7, 0.5), (7, 0.7), (9, 0.3))
TABLE_II = (
    "paper-teacher", "paper-student",
    *(f"paper-kd-{t}-{str(a).replace('.', '')}" for t, a in POINTS),
)  # fmt: skip
BEYOND = (
    "paper-kd-literal", "paper-online", "paper-self", "paper-teacher-1251", "paper-student-1251",
    "paper-kd-7-01-1251", "paper-teacher-long", "paper-kd-7-01-long",
    "paper-student-long", "temporal-teacher-p",
    "temporal-student-p", "kd-student-p", "temporal-teacher-p-long", "kd-student-p-long",
    "light-kd-p",
)  # fmt: skip
TABLE_III = (
    "paper-mobilenet-small", "paper-mobilenet-large", "paper-focal", "paper-cardioxnet",
    "paper-teacher", "paper-student", "paper-kd-7-01", "kd-student-p-long", "light-kd-p",
)  # fmt: skip
PRINTED = {
    "paper-teacher": (90.5, 86.6, 87.9, 87.2, 94.3),
    "paper-student": (86.3, 79.4, 83.1, 81.0, 93.5),
    "paper-kd-1-03": (87.4, 82.6, 83.9, 83.4, 94.2),
    "paper-kd-3-03": (87.2, 80.5, 84.5, 82.2, 94.2),
    "paper-kd-5-03": (87.0, 81.2, 83.0, 82.0, 92.5),
    "paper-kd-7-01": (88.5, 83.8, 85.4, 84.5, 93.6),
    "paper-kd-7-03": (87.6, 83.4, 83.9, 83.6, 92.1),
    "paper-kd-7-05": (86.4, 81.2, 82.5, 81.8, 91.8),
    "paper-kd-7-07": (85.5, 78.5, 81.9, 80.0, 90.8),
    "paper-kd-9-03": (87.0, 81.7, 83.4, 82.5, 93.5),
}
"""Table II as printed, percent."""
SLIPS = {
    "paper-kd-1-03": "printed 94.2; the row's other figures give 92.4",
    "paper-kd-7-07": "printed 90.8; the row's other figures give 92.8",
    "paper-kd-9-03": "printed 93.5; the row's other figures give 92.5",
}
PRINTED_COSTS = {
    "paper-mobilenet-small": ("18.3 M", "1.0 M", "86.9", "82.2"),
    "paper-mobilenet-large": ("71.0 M", "2.6 M", "88.5", "84.7"),
    "paper-focal": ("–", "4.3 K", "85.5 (quoted)", "–"),
    "paper-cardioxnet": ("–", "0.7 M", "86.6 (quoted)", "88.0 (quoted)"),
    "paper-teacher": ("1 009.8 M", "254.6 K", "90.5", "87.2"),
    "paper-student": ("66.7 M", "43.3 K", "86.3", "81.0"),
    "paper-kd-7-01": ("66.7 M", "43.3 K", "88.5", "84.5"),
}
"""Table III as printed: FLOPs, parameters, accuracy, F1."""
INPUTS = {
    "paper-focal": "64 log bands to 1 kHz",
    "paper-cardioxnet": "sound, 5 000 samples",
}
FOOTNOTES = (
    "Recall, precision and F1 are macro averages; specificity is that of the normal class.",
    "The paper's test has 3 421 samples; which heartbeats it left out is not said.",
    "The paper calls MobileNetV3-Small's surplus over its student '99.7 K'; it is 956.7 K.",
    "p < .001 in the paper is a one-sample test; two-sample, at its 3 421 samples, it is p = .003.",
    "No validation set is named in the paper: T and α were apparently chosen on the test samples.",
    "K windows: samples drawn in training, thousands, out of 62 525; what the cores allowed.",
    "Multiply-adds of convolutions and linear layers, once, by torch.utils.flop_counter, for one "
    "window after the front end; a hop of 20 ms has a tenth of the frames of the paper's budget.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A system of protocol P: figures (percent, mean over seeds), spread, windows it trained on."""

    name: str
    title: str
    seeds: tuple[int, ...]
    figures: tuple[float, ...]
    deviation: float
    samples: int
    seen: int


def load_row(cells: Path, name: str, systems: Path = SYSTEMS) -> Row:
    """Read the finished cells of a system; without any the figures are empty."""
    found = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(cells.glob(f"{name}__P__0__*.json"))
    ]
    config = system(name, systems)
    values = np.array([[100 * cell["windows"][k] for k in KEYS] for cell in found])
    return Row(
        name,
        config.title or name,
        tuple(int(cell["seed"]) for cell in found),
        tuple(values.mean(axis=0).tolist()) if found else (),
        float(values[:, 0].std(ddof=1)) if len(found) > 1 else 0.0,
        int(found[0]["windows"]["windows"]) if found else 0,
        config.epochs * config.windows_per_epoch,
    )


def page(results: Path, systems: Path = SYSTEMS) -> str:
    """Both tables and their footnotes, as Markdown."""
    names = [n for n in dict.fromkeys((*TABLE_II, *BEYOND, *TABLE_III)) if _known(n, systems)]
    rows = {name: load_row(results / "cells", name, systems) for name in names}
    lines = [
        "# Protocol P: zero-padded cycles, split at random 10:1 (leaks)",
        "",
        "Samples of one recording fall on both sides: these figures stand beside the paper's and",
        "say nothing of a patient never met. Percent. Made by `apexbeat-train report` from the",
        "cells in `cells/`. Settings were not chosen on these test samples.",
        "",
        "## Table II: teacher, student, distillation",
        "",
        "| system | seeds | K windows | accuracy | recall | precision | F1 | specificity "
        "| paper: accuracy | recall | precision | F1 | specificity |",
        "|---" * 13 + "|",
    ]
    lines += [_row_ii(rows[n]) for n in (*TABLE_II, *BEYOND) if n in rows]
    lines += ["", "## Table III: beside other networks", ""]
    lines += [
        "| system | input | K windows | M multiply-adds | K parameters | accuracy | F1 "
        "| paper: FLOPs | parameters | accuracy | F1 |",
        "|---" * 11 + "|",
    ]
    lines += [_row_iii(rows[n], costs(system(n, systems))) for n in TABLE_III if n in rows]
    lines += ["", *(f"- {text}" for text in FOOTNOTES)]
    lines += [f"- {rows[n].title}, specificity: {text}." for n, text in SLIPS.items() if n in rows]
    compared = gains.lines(results, "P")
    lines += ["", "Compared on the same samples, by bootstrap over recordings:", "", *compared]
    lines += ["", "![Accuracy against multiply-adds](protocol-P.svg)"]
    return "\n".join(lines) + "\n"


def _known(name: str, systems: Path) -> bool:
    return (systems / f"{name}.toml").is_file()


def _percent(values: Sequence[float]) -> list[str]:
    return [f"{v:.1f}" for v in values] if values else ["–"] * len(KEYS)


def _row_ii(row: Row) -> str:
    own = _percent(row.figures)
    if row.figures:
        share = row.figures[0] / 100
        own[0] += f" (±{196 * (share * (1 - share) / row.samples) ** 0.5:.1f})"
    seeds = ", ".join(map(str, row.seeds)) or "–"
    cells = [row.title, seeds, f"{row.seen / 1e3:.0f}", *own, *_printed(row.name)]
    return f"| {' | '.join(cells)} |"


def _printed(name: str) -> list[str]:
    values = _percent(PRINTED.get(name, ()))
    if name in SLIPS:
        values[-1] += " ¹"
    return values


def _row_iii(row: Row, cost: Costs) -> str:
    own = _percent(row.figures)
    cells = [
        row.title,
        INPUTS.get(row.name, f"MFCC-13, {cost.frames} frames"),
        f"{row.seen / 1e3:.0f}",
        f"{cost.multiply_adds / 1e6:.2f}",
        f"{cost.parameters / 1e3:.1f}",
        own[0],
        own[3],
        *PRINTED_COSTS.get(row.name, ("–",) * 4),
    ]
    return "| " + " | ".join(cells) + " |"


def plot(cells: Path, path: Path, systems: Path = SYSTEMS) -> None:
    """Accuracy against multiply-adds, our figures and the paper's, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "apexbeat"
    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    for name in dict.fromkeys((*TABLE_III, "temporal-teacher-p")):
        if not _known(name, systems):
            continue
        row = load_row(cells, name, systems)
        if not row.figures:
            continue
        place = costs(system(name, systems)).multiply_adds / 1e6
        axes.plot(place, row.figures[0], "o", color="#1f5fa8")
        axes.annotate(
            row.title, (place, row.figures[0]), (4, 4), textcoords="offset points", fontsize=7
        )
    printed = {"paper-teacher": 1009.8, "paper-student": 66.7, "paper-kd-7-01": 66.7}
    printed |= {"paper-mobilenet-small": 18.3, "paper-mobilenet-large": 71.0}
    accuracy = {n: v[0] for n, v in PRINTED.items()}
    accuracy |= {"paper-mobilenet-small": 86.9, "paper-mobilenet-large": 88.5}
    axes.plot(list(printed.values()), [accuracy[n] for n in printed], "x", color="#888888")
    axes.set_xscale("log")
    axes.set_xlabel("multiply-adds of one window, millions (front end apart)")
    axes.set_ylabel("accuracy, protocol P, %")
    axes.set_title("● measured here   × printed in the paper", fontsize=9)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
