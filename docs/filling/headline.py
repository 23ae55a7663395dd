"""The README's table: at most eight figures, each a plain sentence with its source."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from filling.common import ROOT, read, table

MISSING = ("not measured in this state of the repository", "–")
GATES = ("as built", "strict 3", "strict")
"""Rules by which a window counts, the monitor's own first; see training.experiments.gate."""


def headline() -> str:
    """The table; a row whose source is missing says that it was not measured."""
    rows = []
    for title, make in ROWS:
        try:
            figure, source = make() or MISSING
        except KeyError:  # stored by an older version of its command
            figure, source = MISSING
        rows.append((title, figure, source))
    return table(("question", "answer", "measured by"), rows)


def _card() -> Any:
    return json.loads((ROOT / "models" / "shipped" / "student.json").read_text(encoding="utf-8"))


def _called(protocol: str, where: str) -> tuple[str, str] | None:
    system = _card()["system"]
    found = read(f"{system}__{protocol}.json")
    if found is None:
        return None
    hit, false = found["abnormal_called_abnormal"], found["normal_called_abnormal"]
    unsure = (found["abnormal_called_unsure"], found["normal_called_unsure"])
    return (
        f"{100 * hit:.0f} flagged, {100 * unsure[0]:.0f} undecided; of 100 normal ones "
        f"{100 * false:.0f} wrongly flagged, {100 * unsure[1]:.0f} undecided ({where})",
        f"`apexbeat-train evaluate {system} --protocol {protocol}`",
    )


def _known() -> tuple[str, str] | None:
    return _called("S", "new patients of six clinics that it was trained on")


def _unknown() -> tuple[str, str] | None:
    return _called("D", "each clinic in turn left out of training")


def _children() -> tuple[str, str] | None:
    card = _card()
    for name in (card["system"], f"version-{card['version']}"):
        if found := read(f"gate-{name}.json"):
            gate = next(g for g in GATES if g in found["gates"])
            one = found["gates"][gate]["circor persons, maximum"]
            return (
                f"{100 * one['found_of_all_abnormal']:.0f} flagged; of 100 without a murmur "
                f"{100 * one['alarmed_of_all_normal']:.0f} wrongly flagged; "
                f"{one['with_verdict']:.0%} get a verdict",
                f"`{found['command']}`",
            )
    return None


def _cycles() -> tuple[str, str] | None:
    found = read("segmentation.json")
    if found is None:
        return None
    every = found["streaming"]["all"]
    low, high = every["interval onset 60"]
    return (
        f"F1 {every['f1 onset 60']:.3f} of 1 ({low:.3f}–{high:.3f}) within 60 ms, "
        f"{every['f1 onset 100']:.3f} within 100 ms, {every['recordings']} recordings",
        "`apexbeat-train evaluate-segmentation`",
    )


def _bench() -> dict[str, tuple[str, str]]:
    """Figures of the benchmark by their names."""
    found = read("bench.json") or {"rows": {}, "command": ""}
    lines = [line for part in found["rows"].values() for line in part]
    return {line["what"]: (line["figure"], f"`{found['command']}`") for line in lines}


def _delay() -> tuple[str, str] | None:
    found = read("segmentation.json")
    if found is None:
        return None
    lag_s = found["run"]["worst lag of S1, samples"] / 2000
    return f"at most {lag_s:.1f} s after its S1", "`apexbeat-train evaluate-segmentation`"


def _alarms() -> tuple[str, str] | None:
    found = read("alarms-long.json")
    if found is None:
        return None
    far = found["at default"]["pooled"]
    return (
        f"{far['false_per_hour']:.1f} per hour ({far['normal_hours']:.0f} h of {far['normal']} "
        "people with normal hearts, rubbing and lost contact added)",
        f"`{found['command']}`",
    )


def _speed() -> tuple[str, str] | None:
    found = _bench()
    replay, made = found["whole, with the store (SQLite)"]
    return f"{replay} on one core; {found['200 at once'][0].split()[0]} live streams per core", made


def _distilled() -> tuple[str, str] | None:
    """The gain of the shipped pair, whichever of the two ships; else of another student's pair."""
    system = _card()["system"]
    rows = [
        one
        for one in (read("gains.json") or {}).values()
        if one["protocol"] == "S"
        and one["figure"] == "mean_auc"
        and one["first"].startswith("kd-")
        and one["second"].startswith("student")
    ]
    rows.sort(key=lambda one: (system not in (one["first"], one["second"]), -len(one["seeds"])))
    if not rows:
        return None
    one = rows[0]
    return (
        f"AUC {one['difference']:+.3f} ({one['low']:+.3f} to {one['high']:+.3f}), "
        f"p = {one['p']:.2g}",
        f"`{one['command']}`",
    )


ROWS: tuple[tuple[str, Callable[[], tuple[str, str] | None]], ...] = (
    ("Of 100 abnormal recordings (valve disease and others), how many are flagged?", _known),
    ("The same, at a clinic it has never heard?", _unknown),
    ("Of 100 children with a murmur?", _children),
    ("How well are S1 and S2 found?", _cycles),
    ("How soon is a heartbeat shown?", _delay),
    ("How many false heart alarms?", _alarms),
    ("How fast is a replay?", _speed),
    ("What does distillation gain over training on labels alone?", _distilled),
)
