"""Memory of a process that works through recordings: what is freed is kept for the next one."""

from __future__ import annotations

import ctypes
import gc
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's ``mallopt``."""

KEPT_BYTES = 32 << 20
"""Freed memory below this is not given back: NumPy's arrays of 30 s would be asked for again."""


def settle() -> None:
    """Call once all is imported and opened: nothing of that is searched for garbage again."""
    gc.freeze()
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc's
        if mallopt is not None:
            mallopt(_MMAP_THRESHOLD, KEPT_BYTES)
            mallopt(_TRIM_THRESHOLD, KEPT_BYTES)
