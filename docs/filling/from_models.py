"""Blocks made from the results of models: cycles, quality, verdicts, children."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from filling.common import RESULTS, read, stored, table
from monitor.analysis.person import RULE


def _span(pair: Sequence[float], digits: int = 3) -> str:
    return f"{pair[0]:.{digits}f}–{pair[1]:.{digits}f}"


@stored("quality.json")
def quality(found: Any) -> str:
    """Signal quality against hand labels."""
    own = found["quality_0_against_1"]
    far = found["database_held_out"]["quality_0_against_1"]
    rows = [
        ("AUC, quality 0 against 1 of cinc2016, five folds by group",
         f"{own['auc']:.3f} ({_span(own['interval_95'])})"),
        ("the same, each database left out in turn",
         f"{far['auc']:.3f} ({_span(far['interval_95'])})"),
        ("clean seconds rejected", f"{found['seconds']['clean']['not_good']:.1%}"),
    ]  # fmt: skip
    return table(("figure", "value"), rows) + "\nMade by `python -m training.quality`.\n"


def children() -> str:
    """Murmurs of children, through the monitor, by each rule for counting windows."""
    rows, commands = [], []
    for path in sorted(RESULTS.glob("gate-*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        commands.append(found["command"])
        for gate, parts in found["gates"].items():
            one = parts["circor persons, maximum"]
            rows.append((
                path.stem.removeprefix("gate-"), gate, f"{one['subjects']:.0f}",
                f"{one['auc']:.3f} ({_span(one['auc_95'])})", f"{one['with_verdict']:.0%}",
                f"{100 * one['found_of_all_abnormal']:.0f}",
                f"{100 * one['alarmed_of_all_normal']:.0f}",
            ))  # fmt: skip
    if not rows:
        return "Not measured in this state of the repository.\n"
    head = ("system", "windows counted", "persons", "AUC (95 %)", "with a verdict",
            "of 100 with a murmur, flagged", "of 100 without, wrongly flagged")  # fmt: skip
    return table(head, rows) + "\nMade by " + ", ".join(f"`{c}`" for c in commands) + ".\n"


def diastolic() -> str:
    """Made-up murmurs of diastole, by loudness, for every student that was asked."""
    rows, commands, levels = [], [], []
    for path in sorted(RESULTS.glob("diastolic-*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        commands.append(f"`{found['command']}`")
        kinds = dict.fromkeys(key.split(", ")[0] for key in found["auc"])
        levels = list(dict.fromkeys(key.split(", ")[1] for key in found["auc"]))
        rows += [
            (path.stem.removeprefix("diastolic-"), kind,
             *(f"{found['auc'][f'{kind}, {level}']:.2f}" for level in levels))
            for kind in kinds
        ]  # fmt: skip
    head = ("system", "murmur", *(f"AUC, {level} of S1" for level in levels))
    return table(head, rows) + "\nMade by " + ", ".join(commands) + ".\n"


@stored("gate-student-4-diastolic.json")
def persons(found: Any) -> str:
    """Recordings beside persons by each rule, and what a person is called after some places."""
    parts = found["gates"]["as built"]
    names = {"circor recordings": "recordings"} | {
        f"circor persons, {rule}": f"persons, {rule}" + " (ships)" * (rule == RULE)
        for rule in ("mean", "mean of both", "maximum")
    }
    rows = [
        (words, f"{parts[key]['subjects']:.0f}", *(
            f"{parts[key][what]:.3f} ({_span(parts[key][f'{what}_95'])})"
            for what in ("auc", "sensitivity_decided", "specificity_decided")
        ), f"{parts[key]['unsure']:.0%}")
        for key, words in names.items()
    ]  # fmt: skip
    head = ("verdict on", "count", "AUC (95 %)", "sensitivity, decided", "specificity, decided",
            "unsure")  # fmt: skip
    told = [
        (key, f"{own['persons']}", *(
            f"{100 * own[f'{heard} of 4']['normal']:.0f}" for heard in range(1, 5)
        ))
        for key, own in parts["places heard"].items()
    ]  # fmt: skip
    places = ("children of whom four places were judged", "count",
              *(f"of 100, normal by {heard} of them" for heard in range(1, 5)))  # fmt: skip
    return f"{table(head, rows)}\n{table(places, told)}\nMade by `{found['command']}`.\n"


def _cells(name: str, protocol: str) -> str:
    """How many folds and recordings stand behind a figure (seed 0)."""
    found = sorted((RESULTS / "cells").glob(f"{name}__{protocol}__*__0.json"))
    count = sum(len(json.loads(p.read_text(encoding="utf-8"))["records"]) for p in found)
    return f"{count} recordings in {len(found)} folds" if found else "cells not stored"


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
        for outside in own:
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
