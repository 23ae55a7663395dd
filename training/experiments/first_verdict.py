"""Does a system gain on another in single windows, and in what is known after five seconds?

``python -m training.experiments.first_verdict SYSTEM OTHER --data ../shared/data --seeds 1,2``:
windows of held-out recordings at their S1, by the networks of protocol S. Writes
docs/results/first-verdict-SYSTEM.json:

| row | what is scored |
|---|---|
| window | every window of cinc2016, AUC within a fold, mean of folds and seeds |
| first verdict | a recording by the mean z of its windows that end within its first 5 s |
| recording | a recording by the mean z of all its windows |

The latter two are means over the databases, with the paired bootstrap of ``compare``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsp.stage import RATE_HZ
from models.mfcc import SAMPLES
from training import datasets, evaluate
from training.cells import Cell, commit, kept_network, machine, system
from training.dataset_bundle import DatasetBundle
from training.fit import predict
from training.options import numbers, one_thread, progress_bar, say
from training.own import open_source
from training.prepare import prepare
from training.scores import by_record
from training.whole import write_whole
from training.windows import WindowTable

WITHIN_S = 5.0
FIGURE = "mean_auc"


def soon(
    table: WindowTable, which: NDArray[np.int64], samples: Mapping[str, int]
) -> NDArray[np.int64]:
    """Those of the windows ``which`` that end within ``WITHIN_S`` of their recording's begin."""
    length = np.array([samples.get(name, 0) for name in table.names])
    end = length[table.recording[which]] - table.room[which] + SAMPLES
    return which[end <= WITHIN_S * RATE_HZ]


def early(content: Mapping[str, Any], world: DatasetBundle, samples: Mapping[str, int]) -> Any:
    """The cell with the scores of the windows that end within ``WITHIN_S`` alone.

    Parameters
    ----------
    samples
        Length of each recording of cinc2016.

    Raises
    ------
    TrainingError
        If the cell's network is not in the cache.
    """
    config = system(content["system"])
    cell = Cell(config.name, "S", int(content["fold"]), int(content["seed"]))
    fitted = kept_network(config, cell)
    table = world.data.table
    which = soon(table, table.of(frozenset(content["records"])), samples)
    z = predict(config, fitted.network, world.data, which)
    scores = by_record(table.recording[which], z, table.names)
    return {**content, "records": {n: list(found) for n, found in scores.items()}, "further": {}}


def run(first: str, second: str, data: Path, results: Path, seeds: Sequence[int]) -> dict[str, Any]:
    """All three rows of two systems."""
    folder = data / "cinc2016"
    recordings = datasets.load_cinc2016(folder)
    length = prepare("cinc2016", recordings, progress=progress_bar).length
    world = open_source(folder, system(first), progress_bar)
    cells = {
        name: [evaluate.load_cells(results / "cells", name, "S", seed) for seed in seeds]
        for name in (first, second)
    }
    whole = {name: evaluate.of_seeds(own, recordings) for name, own in cells.items()}
    begin = {
        name: evaluate.of_seeds(
            [[early(c, world, length) for c in seed] for seed in own], recordings
        )
        for name, own in cells.items()
    }
    found: dict[str, Any] = {
        "window": {
            name: round(float(np.mean([c["windows"]["auc"] for seed in own for c in seed])), 4)
            for name, own in cells.items()
        }
    }
    for row, parts in (("first verdict", begin), ("recording", whole)):
        found[row] = {
            **{name: round(evaluate.over_seeds(p)[FIGURE], 4) for name, p in parts.items()},
            "recordings": int(parts[first][0].z.size),
            **evaluate.paired(parts[first], parts[second], FIGURE),
        }
    return {
        "command": f"python -m training.experiments.first_verdict {first} {second} --data DATA "
        f"--seeds {','.join(map(str, seeds))}",
        "commit": commit(),
        "machine": machine(),
        "auc": found,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("system")
    parser.add_argument("other")
    parser.add_argument("--data", type=Path, required=True, help="Folder of all the sets.")
    parser.add_argument("--results", type=Path, default=Path("docs/results"))
    parser.add_argument("--seeds", default="0", help="Comma-separated.")
    asked = parser.parse_args(arguments)
    one_thread()
    found = run(asked.system, asked.other, asked.data, asked.results, numbers(asked.seeds))
    path = asked.results / f"first-verdict-{asked.system}.json"
    write_whole(path, json.dumps(found, indent=1) + "\n")
    say(f"wrote {path}")


if __name__ == "__main__":
    main()
