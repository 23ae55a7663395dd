"""Which windows a batch draws: every database and class alike, whatever their sizes.

A pooled draw teaches a network to know the database, because the database gives the label away
(DATA.md). So: first a cell (database, class), then a recording of it (or a group first), then one
of its windows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from training.datasets import Recording
from training.errors import TrainingError
from training.windows import WindowTable


class Sampler:
    """Draws indices into an array of training windows.

    Parameters
    ----------
    recordings
        With their database, label and group.
    table, train
        The windows and which of them train.
    weights
        Relative share of each database (default 1 each).
    by_group
        Exponent of evening out groups within a cell: 0 each recording alike, 1 each group alike.
    balanced
        False: every window alike, as the paper (a pooled draw).
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        table: WindowTable,
        train: NDArray[np.int64],
        weights: Mapping[str, float],
        by_group: float = 0.0,
        balanced: bool = True,
    ) -> None:
        by_name = {r.name: r for r in recordings}
        order = np.argsort(table.recording[train], kind="stable")
        self._windows = order
        owners, first, count = np.unique(
            table.recording[train][order], return_index=True, return_counts=True
        )
        cells: dict[tuple[str, int], list[int]] = defaultdict(list)
        members: dict[str, int] = defaultdict(int)
        for k, owner in enumerate(owners):
            r = by_name[table.names[owner]]
            cells[r.database, r.label].append(k)
            members[r.group] += 1
        if not cells:
            raise TrainingError("there is no window to train on", "check annotations and split")
        chance = count.astype(np.float64)
        for (database, _), inside in cells.items() if balanced else ():
            share = np.array(
                [members[by_name[table.names[owners[k]]].group] ** -by_group for k in inside]
            )
            chance[inside] = weights.get(database, 1.0) * share / share.sum()
        self._edges = np.cumsum(chance / chance.sum())
        self._first, self._count = first, count

    def draw(self, rng: np.random.Generator, n: int) -> NDArray[np.int64]:
        """Draw ``n`` indices into ``train``, int64 [n]."""
        k = np.minimum(np.searchsorted(self._edges, rng.random(n)), self._edges.size - 1)
        return self._windows[self._first[k] + (rng.random(n) * self._count[k]).astype(np.int64)]
