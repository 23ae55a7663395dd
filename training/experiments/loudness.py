"""How well the loudness of systole tells a murmur: an honest figure for what a table shows.

``python -m training.experiments.loudness --data ../shared/data`` replays the recordings of CirCor
in which a systolic murmur is heard at that place, and those of persons without one, and writes
docs/results/loudness.json: AUC of systole against S1 and against diastole, beside that of the
student's p on the same recordings; and where in systole the murmur is told to be, against what the
cardiologist wrote. Loudness is measured; the one limit of the place was chosen on half of the
persons, and the table is that of the others.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from monitor.analysis.summary import Summary
from monitor.config.load import Settings
from monitor.replay.batch import Options, replay_all
from monitor.replay.inputs import items
from monitor.replay.rows import Row, row_of
from monitor.replay.scores import auc, auc_interval, wilson
from training.cells import commit
from training.whole import write_whole

Annotation = dict[str, str]
"""A line of CirCor's recordings.csv."""


def read_annotations(folder: Path) -> list[Annotation]:
    """What was written of each recording."""
    with (folder / "recordings.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def chosen(annotated: Sequence[Annotation]) -> dict[str, tuple[bool, str]]:
    """Recordings by name: whether a systolic murmur is heard there, and whose it is."""
    found = {}
    for row in annotated:
        systolic = row["murmur_here"] == "1" and row["timing"] and not row["diastolic_timing"]
        if systolic or row["murmur"] == "absent":
            found[row["name"]] = (bool(systolic), row["person"])
    return found


def figures(rows: dict[str, Row], known: dict[str, tuple[bool, str]]) -> dict[str, object]:
    """AUC of each measure, over the recordings that have all of them."""
    names = [n for n, row in rows.items() if row.systole_db is not None and row.p is not None]
    truth = np.array([known[n][0] for n in names], dtype=np.int64)
    persons = [len({known[n][1] for n in names if known[n][0] is k}) for k in (True, False)]
    measures = {
        "systole against S1": [rows[n].systole_db for n in names],
        "systole against diastole": [
            (rows[n].systole_db or 0.0) - (rows[n].diastole_db or 0.0) for n in names
        ],
        "p of the shipped student": [rows[n].p for n in names],
    }
    out: dict[str, object] = {
        "recordings": len(names),
        "with a systolic murmur": int(truth.sum()),
        "persons, with and without": persons,
        "left out, no beats or no verdict": len(rows) - len(names),
    }
    for words, values in measures.items():
        z = np.array(values, dtype=np.float64)
        found = auc(truth, z)
        out[words] = {
            "auc": round(found, 4),
            "auc_95": [round(x, 4) for x in auc_interval(found, *persons)],
            "median, murmur": round(median(z[truth == 1].tolist()), 2),
            "median, none": round(median(z[truth == 0].tolist()), 2),
        }
    return out


def places(summaries: dict[str, Summary], annotated: Sequence[Annotation]) -> dict[str, object]:
    """Where systolic murmurs were told to be loudest, of the persons that chose nothing."""
    told: dict[str, Counter[str]] = {}
    right: list[tuple[bool, str]] = []
    for row in annotated:
        summary = summaries.get(row["name"])
        loud = None if summary is None else summary.loudness
        systolic = row["timing"] and row["murmur_here"] == "1"
        if not systolic or loud is None or _chooses(row["person"]):
            continue
        told.setdefault(row["timing"], Counter())[loud.place] += 1
        wanted = "early systole" if row["timing"] == "Early-systolic" else "systole"
        right.append((loud.place == wanted, row["person"]))
    share = sum(one for one, _ in right) / len(right)
    persons = len({person for _, person in right})
    return {
        "annotated, and told": {timing: dict(counts) for timing, counts in sorted(told.items())},
        "persons": persons,
        "right (early, or beyond)": round(share, 4),
        "right_95": [round(x, 4) for x in wilson(share, persons)],
    }


def _chooses(person: str) -> bool:
    """Whether the limit of the place was chosen on this person."""
    return int(hashlib.sha256(person.encode()).hexdigest(), 16) % 2 == 0


def main() -> None:
    """Replay, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder of all the sets.")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--jobs", type=int, default=None)
    asked = parser.parse_args()
    folder = asked.data / "circor"
    annotated = read_annotations(folder)
    known = chosen(annotated)
    wanted = items([folder / f"{name}.flac" for name in sorted(known)], folder)
    summaries = {
        outcome.path.stem: outcome.summary
        for outcome in replay_all(wanted, Settings(), Options(), jobs=asked.jobs)
        if outcome.summary is not None
    }
    rows = {name: row_of(summary, "") for name, summary in summaries.items()}
    content = {
        "command": "python -m training.experiments.loudness --data DATA",
        "commit": commit(),
        "what": "CirCor (children), recordings with a systolic murmur at that place against those "
        "of persons without any; intervals by persons",
        **figures(rows, known),
        "place of the murmur": places(summaries, annotated),
    }
    write_whole(asked.results / "loudness.json", json.dumps(content, indent=1) + "\n")
    print(json.dumps(content, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
