"""Blocks made from the results of models: cycles, quality, verdicts, and the README's figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from filling.common import RESULTS, read, stored, table


def figures() -> str:
    """The figures of the README: one line each, with conditions and command."""
    rows = [*_cycle_rows(), *_quality_rows(), *_verdict_rows(), *_machine_rows()]
    return table(("what", "figure", "conditions", "made by"), rows)


def _span(pair: Sequence[float], digits: int = 3) -> str:
    return f"{pair[0]:.{digits}f}–{pair[1]:.{digits}f}"


def _cycle_rows() -> list[tuple[str, ...]]:
    found = read("segmentation.json")
    if found is None:
        return []
    rows = found["streaming"]
    every = rows.get("cinc2016", rows["all"])
    where = f"{every['recordings']} recordings of cinc2016, five folds by group, streaming"
    by = "`apexbeat-train evaluate-segmentation`"
    f100 = f"{every['f1 onset 100']:.3f} ({_span(every['interval onset 100'])})"
    f60 = f"{every['f1 onset 60']:.3f} ({_span(every['interval onset 60'])})"
    lag = found["run"]["worst lag of S1, samples"] / 2000
    return [
        ("S1 and S2 found, F1, onset within 100 ms", f100, where, by),
        ("the same, within 60 ms", f60, where, by),
        ("S1 and S2 taken for each other, per cycle", f"{every['swaps per cycle']:.4f}", where, by),
        ("longest time from an S1 to its decision", f"{lag:.2f} s", where, by),
    ]


def _quality_rows() -> list[tuple[str, ...]]:
    found = read("quality.json")
    if found is None:
        return []
    by = "`python -m training.quality`"
    own = found["quality_0_against_1"]
    far = found["database_held_out"]["quality_0_against_1"]
    text = "quality 0 against 1 of cinc2016, "
    return [
        ("signal quality, AUC", f"{own['auc']:.3f} ({_span(own['interval_95'])})",
         text + "five folds by group", by),
        ("signal quality, AUC", f"{far['auc']:.3f} ({_span(far['interval_95'])})",
         text + "each database left out in turn", by),
        ("clean seconds rejected", f"{found['seconds']['clean']['not_good']:.1%}",
         "hand-annotated seconds of cinc2016", by),
    ]  # fmt: skip


FIGURES = (
    ("mean_auc", "AUC, mean over databases"),
    ("weighted_auc_no_e", "AUC, weighted over databases without e"),
    ("mean_macc", "MAcc, mean over databases"),
)
"""e is left out of one of them: its two classes come from different equipment."""


def _cells(name: str, protocol: str) -> str:
    """How many folds and recordings stand behind a figure (seed 0)."""
    found = sorted((RESULTS / "cells").glob(f"{name}__{protocol}__*__0.json"))
    count = sum(len(json.loads(p.read_text(encoding="utf-8"))["records"]) for p in found)
    return f"{count} recordings in {len(found)} folds" if found else "cells not stored"


def _verdict_rows() -> list[tuple[str, ...]]:
    rows = []
    systems = (
        ("kd-student-2d-wide", "shipped student, distilled"),
        ("kd-student-2d", "the same, cinc2016 alone"),
        ("student-2d", "student, not distilled"),
        ("light-kd-wide", "light student, distilled"),
    )
    for name, words in systems:
        for protocol, split in (("S", "five folds by group"), ("D", "one database left out")):
            found = read(f"{name}__{protocol}.json")
            if found is None:
                continue
            by = f"`apexbeat-train evaluate {name} --protocol {protocol}`"
            where = f"cinc2016, {split}, {_cells(name, protocol)}"
            for key, title in FIGURES:
                span = f" ({_span(found[f'{key}_95'])})" if f"{key}_95" in found else ""
                rows.append((f"{words}: {title}", f"{found[key]:.3f}{span}", where, by))
    if not rows:
        said = ("verdict", "see docs/results", "no evaluation is stored here", "`apexbeat-train`")
        rows.append(said)
    return rows


def _machine_rows() -> list[tuple[str, ...]]:
    rows = []
    bench = read("bench.json") or {"rows": {}}
    for title, lines in bench["rows"].items():
        for line in lines:
            if line["target"].startswith("≥"):
                aim = f"aim {line['target']}: {'held' if line['held'] else 'not held'}"
                place = f"{title}; {bench['conditions']['processor']}; {aim}"
                rows.append((line["what"], line["figure"], place, f"`{bench['command']}`"))
    if archive := read("archive.json"):
        rows.append((
            "archive on 1, 2 cores, a cluster with a killed worker: same bytes",
            "yes" if archive["same_bytes"] else "no",
            f"{archive['sound_s'] / 3600:.1f} h of sound",
            "`python tests/bench/archive.py`",
        ))  # fmt: skip
    if ward := read("ward.json"):
        rows.append((
            "alarms of simulated beds: raised, missing, shown twice on the ward screen",
            f"{ward['alarms_raised']}, {ward['alarms_missing']}, {ward['alarms_shown_twice']}",
            f"{ward['beds']} beds, {ward['seconds'] / 60:.0f} min; {ward['conditions']}",
            f"`{ward['command']}`",
        ))  # fmt: skip
    return rows


@stored("segmentation.json")
def cycles(found: Any) -> str:
    """F1 of the cycles by database."""
    rows = []
    for name in ("a", "b", "c", "d", "e", "f", "all"):
        one = found["streaming"][name]
        rows.append((
            name, one["recordings"], one["groups"],
            f"{one['f1 onset 100']:.3f} ({_span(one['interval onset 100'])})",
            f"{one['f1 onset 60']:.3f}", f"{one['sensitivity S1']:.3f}",
            f"{one['sensitivity S2']:.3f}", f"{one['swaps per cycle']:.4f}",
        ))  # fmt: skip
    head = ("database", "recordings", "groups", "F1, 100 ms (95 %)", "F1, 60 ms",
            "sensitivity S1", "sensitivity S2", "swaps per cycle")  # fmt: skip
    return table(head, rows)


@stored("checks.json")
def checks(found: Any) -> str:
    """The verdict of the whole monitor, against that at annotated S1, and on other data."""
    rows = []
    if inside := found.get("through the monitor"):
        for key, words in (
            ("mean_auc", "mean AUC"),
            ("weighted_auc_no_e", "weighted AUC without e"),
            ("mean_macc", "mean MAcc"),
        ):
            pair = inside[key]
            rows.append((words, f"{pair['monitor']:.3f}", f"{pair['evaluate']:.3f}",
                         inside["what"], f"`{inside['command']}`"))  # fmt: skip
        own = inside.get("further", {}).values()
        for outside in (*own, *found.get("elsewhere, through the monitor", ())):
            rows.append(("AUC", f"{outside['auc']:.2f}", "–", outside["what"],
                         f"`{inside['command']}`"))  # fmt: skip
    return table(("figure", "through the monitor", "at annotated S1", "on what", "by"), rows)


def peers() -> str:
    """Other programs on the same recordings."""
    found = (read("segmentation.json") or {}).get("other programs")
    if not found:
        return "Not measured in this state of the repository.\n"
    rows = []
    for name, one in found.items():
        if isinstance(one, str):
            rows.append((name, one, "–", "–", "–"))
        elif name.endswith(", all"):
            speed = one.get("times real time")
            rows.append((
                name.removesuffix(", all"), f"{one['f1 centre 100']:.3f}",
                f"{one['f1 centre 60']:.3f}", one["failed"],
                "–" if speed is None else f"{speed:.0f}",
            ))  # fmt: skip
    head = ("program", "F1, 100 ms", "F1, 60 ms", "recordings it failed on", "times real time")
    return table(head, rows)


@stored("noise.json")
def noise(found: Any) -> str:
    """F1 and share of sound not called good, by noise."""
    rows = []
    for row in found["rows"]:
        if row["snr_db"] not in (None, 20.0, 10.0, 5.0, 0.0, -5.0):
            continue
        level = "–" if row["snr_db"] is None else f"{row['snr_db']:.0f} dB"
        relied = "–" if row["f1_accepted"] is None else f"{row['f1_accepted']:.3f}"
        rows.append((row["noise"], level, f"{row['f1']:.3f}", f"{row['not_good']:.0%}", relied))
    head = ("noise", "signal to noise", "F1, all sound", "not called good", "F1, good sound only")
    return table(head, rows)


def verdicts() -> str:
    """Every stored evaluation of a system."""
    rows = []
    for path in sorted(RESULTS.glob("*__[SDP].json")):
        name, protocol = path.stem.split("__")
        one = json.loads(path.read_text(encoding="utf-8"))
        if "mean_auc" not in one:
            continue
        span = f" ({_span(one['mean_auc_95'])})" if "mean_auc_95" in one else ""
        unsure = f"{one['unsure']:.0%}" if "unsure" in one else "–"
        weighted = f"{one['weighted_auc_no_e']:.3f}" if "weighted_auc_no_e" in one else "–"
        mean = f"{one['mean_auc']:.3f}{span}"
        of = _cells(name, protocol)
        rows.append((name, protocol, of, mean, weighted, f"{one['mean_macc']:.3f}", unsure))
    if not rows:
        return "No evaluation is stored in this state of the repository.\n"
    return table(
        (
            "system",
            "protocol",
            "of",
            "mean AUC (95 %)",
            "weighted AUC without e",
            "mean MAcc",
            "unsure",
        ),
        rows,
    )
