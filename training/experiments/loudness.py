"""How well the loudness of systole tells a murmur: an honest figure for what a table shows.

``python -m training.experiments.loudness --data ../shared/data`` replays the recordings of CirCor
in which a systolic murmur is heard at that place, and those of persons without one, and writes
docs/results/loudness.json: AUC of systole against S1 and against diastole, beside that of the
student's p on the same recordings. Loudness is measured, not trained: nothing was fitted here.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from statistics import median

import numpy as np

from monitor.config.load import Settings
from monitor.replay.batch import Options, replay_all
from monitor.replay.inputs import items
from monitor.replay.rows import Row, row_of
from monitor.replay.scores import auc, auc_interval
from training.cells import commit
from training.whole import write_whole


def chosen(folder: Path) -> dict[str, tuple[bool, str]]:
    """Recordings by name: whether a systolic murmur is heard there, and whose it is."""
    with (folder / "recordings.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for row in rows:
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


def main() -> None:
    """Replay, compare, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder of all the sets.")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--jobs", type=int, default=None)
    asked = parser.parse_args()
    folder = asked.data / "circor"
    known = chosen(folder)
    wanted = items([folder / f"{name}.flac" for name in sorted(known)], folder)
    rows = {
        outcome.path.stem: row_of(outcome.summary, "")
        for outcome in replay_all(wanted, Settings(), Options(), jobs=asked.jobs)
        if outcome.summary is not None
    }
    content = {
        "command": "python -m training.experiments.loudness --data DATA",
        "commit": commit(),
        "what": "CirCor (children), recordings with a systolic murmur at that place against those "
        "of persons without any; intervals by persons",
        **figures(rows, known),
    }
    write_whole(asked.results / "loudness.json", json.dumps(content, indent=1) + "\n")
    print(json.dumps(content, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
