"""What every streaming stage of the signal path has in common.

A stage has four members. ``push(x)`` takes any number of samples and returns what is now certain;
``flush()`` returns what the end of the sound makes certain; ``reset(index)`` starts afresh, the
next sample having that absolute index; ``delay`` is how many samples it holds back at the most.
For every way of cutting the input the concatenated output is bit-identical, and what was returned
is never changed by a later sample. Filter delays are compensated: output sample k speaks of the
same instant as input sample k.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

RATE_HZ = 2000
"""The one rate at which everything after the resampler works, in Hz."""

STEP = 1000
"""Samples between two decisions (0.5 s), counted from index 0."""

CHAIN_VERSION = "1"
"""Version of the sound that models are trained on: filter and spike removal together."""
