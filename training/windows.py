"""Which windows there are: one at each hand-annotated S1 that has 2.5 s of sound after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.mfcc import SAMPLES
from training.datasets import Recording
from training.prepare import Prepared


@dataclass(frozen=True, slots=True)
class WindowTable:
    """Windows of many recordings, as arrays of one length.

    Attributes
    ----------
    position
        Absolute sample in ``Prepared.sound`` at which the window begins.
    room
        Samples from there to the end of its recording.
    recording
        Index into ``names``.
    """

    position: NDArray[np.int64]
    room: NDArray[np.int64]
    recording: NDArray[np.int64]
    names: tuple[str, ...]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.position.size)

    def of(self, names: frozenset[str]) -> NDArray[np.int64]:
        """Indices of the windows of these recordings."""
        inside = np.array([n in names for n in self.names])
        return np.flatnonzero(inside[self.recording])


def window_table(
    recordings: Sequence[Recording], prepared: Prepared, onsets: Mapping[str, NDArray[np.int64]]
) -> WindowTable:
    """Build the table.

    Parameters
    ----------
    onsets
        S1 onsets (samples at 2 kHz) by recording; a recording without any has no window.
    """
    known = [r for r in recordings if r.name in prepared.start]
    position, room, owner = [], [], []
    for i, r in enumerate(known):
        start, length = prepared.start[r.name], prepared.length[r.name]
        for s1 in onsets.get(r.name, ()):
            if s1 + SAMPLES <= length:
                position.append(start + s1)
                room.append(length - s1)
                owner.append(i)
    return WindowTable(
        np.asarray(position, np.int64),
        np.asarray(room, np.int64),
        np.asarray(owner, np.int64),
        tuple(r.name for r in known),
        np.asarray([r.label for r in known], np.int64),
    )
