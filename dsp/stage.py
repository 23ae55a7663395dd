"""What every streaming stage of the signal path has in common.

A stage takes samples as they come and returns what is now certain. Indices are absolute
samples since the session began; the delay of a filter is compensated, so output sample k of a
stage speaks of the same instant as input sample k.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

RATE_HZ = 2000
"""The one rate at which everything after the resampler works, in Hz."""

STEP = 1000
"""Samples between two decisions (0.5 s), counted from index 0."""

CHAIN_VERSION = "1"
"""Version of the sound that models are trained on: filter and spike removal together."""

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


class Stage(Protocol[In_contra, Out_co]):
    """One streaming stage.

    For every way of cutting the input, the concatenated output is bit-identical, and what was
    returned is never changed by a later sample.
    """

    @property
    def delay(self) -> int:
        """Samples (at the stage's output rate) that the stage holds back at the most."""
        ...

    def push(self, x: In_contra) -> Out_co:
        """Consume any number of samples; return what is now certain."""
        ...

    def flush(self) -> Out_co:
        """Return what the end of the sound makes certain."""
        ...

    def reset(self, index: int) -> None:
        """Start afresh; the next sample has the absolute index ``index``."""
        ...
