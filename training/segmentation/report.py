"""Sums scores over recordings: F1 with intervals over groups, errors, swaps, calibration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.segmentation.data import CIRCOR, PHANTOM, Recording
from training.segmentation.score import TOLERANCES_MS, Counts, f1

DRAWS = 1000
EDGES = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0])
"""Borders of the bins of confidence."""
UNDER_TWO = ("Neonate", "Infant")
"""CirCor's age groups under one year; the next one, Child, begins there and reaches to eleven."""
Row = dict[str, object]


def _totals(counts: Sequence[Counts], key: str) -> tuple[int, int, int]:
    matched = sum(int(c.matched[key].sum()) for c in counts)
    return (
        matched,
        sum(int(c.wanted.sum()) for c in counts),
        sum(int(c.found.sum()) for c in counts),
    )


def interval(items: Sequence[Recording], counts: Sequence[Counts], key: str) -> list[float]:
    """95 % interval of F1 by drawing groups with replacement."""
    groups = sorted({r.group for r in items})
    place = {g: k for k, g in enumerate(groups)}
    sums = np.zeros((len(groups), 3))
    for item, count in zip(items, counts, strict=True):
        sums[place[item.group]] += _totals([count], key)
    draws = np.random.default_rng(0).integers(0, len(groups), (DRAWS, len(groups)))
    total = sums[draws].sum(axis=1)
    values = 2 * total[:, 0] / np.maximum(total[:, 1] + total[:, 2], 1)
    return [round(float(v), 4) for v in np.quantile(values, [0.025, 0.975])]


def summary(items: Sequence[Recording], counts: Sequence[Counts]) -> Row:
    """One row: everything about these recordings."""
    row: Row = {
        "recordings": len(items),
        "groups": len({r.group for r in items}),
        "wanted": int(sum(int(c.wanted.sum()) for c in counts)),
    }
    for what in ("onset", "centre"):
        for ms in TOLERANCES_MS:
            row[f"f1 {what} {ms}"] = round(f1(*_totals(counts, f"{what} {ms}")), 4)
    for ms in (60, 100):
        row[f"interval onset {ms}"] = interval(items, counts, f"onset {ms}")
    for kind, name in enumerate(("S1", "S2")):
        wanted = sum(int(c.wanted[kind]) for c in counts)
        found = sum(int(c.found[kind]) for c in counts)
        matched = sum(int(c.matched["onset 100"][kind]) for c in counts)
        row[f"sensitivity {name}"] = round(matched / max(wanted, 1), 4)
        row[f"predictivity {name}"] = round(matched / max(found, 1), 4)
        errors = np.array([e for c in counts for k, e in c.errors_ms if k == kind])
        if len(errors):
            row[f"timing {name} ms"] = {
                "median": round(float(np.median(errors)), 1),
                "median absolute": round(float(np.median(np.abs(errors))), 1),
                "95th absolute": round(float(np.quantile(np.abs(errors), 0.95)), 1),
            }
    cycles = sum(int(c.wanted[0]) for c in counts)
    row["swaps per cycle"] = round(sum(c.swapped for c in counts) / 2 / max(cycles, 1), 5)
    rates = np.array([e for c in counts for e in c.rate_errors])
    if len(rates):
        row["rate error per minute"] = {
            "windows": len(rates),
            "median absolute": round(float(np.median(np.abs(rates))), 2),
            "over 5": round(float(np.mean(np.abs(rates) > 5)), 4),
        }
    row["rate of recordings"] = whole_rates([c.rate for c in counts])
    row["calibration"] = calibration([pair for c in counts for pair in c.cycles])
    return row


def whole_rates(rates: Sequence[tuple[float, float]]) -> Row:
    """Of the recordings with an annotated rate: how many are told another one."""
    known = np.array([r for r in rates if np.isfinite(r[0])]).reshape(-1, 2)
    if not len(known):
        return {"recordings": 0}
    ratio = known[:, 1] / known[:, 0]
    told = ratio[np.isfinite(ratio)]
    return {
        "recordings": len(known),
        "none told": len(known) - len(told),
        "off by more than 10 %": round(float(np.mean(np.abs(told - 1) > 0.1)), 5),
        "halved": int(np.sum(np.abs(2 * told - 1) < 0.2)),
        "doubled": int(np.sum(np.abs(told / 2 - 1) < 0.1)),
    }


def calibration(cycles: Sequence[tuple[float, bool]]) -> Row:
    """Reliability of the confidence: of the cycles in each tenth, how many were right."""
    if not cycles:
        return {}
    confidence = np.array([c for c, _ in cycles])
    right = np.array([r for _, r in cycles], float)
    place = np.clip(np.digitize(confidence, EDGES) - 1, 0, len(EDGES) - 2)
    bins, error = [], 0.0
    for k in range(len(EDGES) - 1):
        here = place == k
        if not here.any():
            continue
        said, was = float(confidence[here].mean()), float(right[here].mean())
        error += abs(said - was) * here.mean()
        bins.append([round(said, 3), round(was, 3), int(here.sum())])
    return {
        "cycles": len(cycles),
        "right": round(float(right.mean()), 4),
        "expected calibration error": round(float(error), 4),
        "brier": round(float(np.mean((confidence - right) ** 2)), 5),
        "bins (said, was, cycles)": bins,
    }


def joined_calibration(parts: Sequence[Row]) -> Row:
    """The reliability of several sets of cycles together, from that of each."""
    bins = np.array([b for part in parts for b in part.get("bins (said, was, cycles)", [])])  # type: ignore[attr-defined]
    if not len(bins):
        return {}
    place = np.clip(np.digitize(bins[:, 0], EDGES) - 1, 0, len(EDGES) - 2)
    joined, cycles = [], float(bins[:, 2].sum())
    for k in np.unique(place):
        here = bins[place == k]
        said, was = here[:, 2] @ here[:, :2] / here[:, 2].sum()
        joined.append([round(float(said), 3), round(float(was), 3), int(here[:, 2].sum())])
    return {
        "cycles": int(cycles),
        "right": round(sum(was * n for _, was, n in joined) / cycles, 4),
        "expected calibration error": round(
            sum(abs(said - was) * n for said, was, n in joined) / cycles, 4
        ),
        "bins (said, was, cycles)": joined,
    }


def by_database(items: Sequence[Recording], counts: Sequence[Counts]) -> dict[str, Row]:
    """Rows "all" (recordings of people) and one per database."""
    people = [k for k, r in enumerate(items) if r.database != PHANTOM]
    rows = {"all": summary([items[k] for k in people], [counts[k] for k in people])}
    for database in sorted({r.database for r in items}):
        chosen = [k for k, r in enumerate(items) if r.database == database]
        rows[database] = summary([items[k] for k in chosen], [counts[k] for k in chosen])
    young = [k for k, r in enumerate(items) if r.age in UNDER_TWO]
    if young:
        rows["circor, under one year"] = summary(
            [items[k] for k in young], [counts[k] for k in young]
        )
        adults = [k for k, r in enumerate(items) if r.database not in (CIRCOR, PHANTOM)]
        rows["cinc2016"] = summary([items[k] for k in adults], [counts[k] for k in adults])
    return rows
