"""Memory of a process that works through much sound: what is freed is kept for the next array.

glibc gives the memory of each large array back to the system, which has to clear it for the next.
"""

from __future__ import annotations

import ctypes
import gc
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h

KEPT_BYTES = 32 << 20
"""Of a replay: its arrays hold 30 s."""


def keep_freed(kept_bytes: int = KEPT_BYTES) -> None:
    """Keep freed memory of up to so many bytes, where the C library is glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, kept_bytes)
        mallopt(_TRIM_THRESHOLD, kept_bytes)


def settle() -> None:
    """Call before many recordings: what is imported by now is not searched for garbage again."""
    gc.freeze()
    keep_freed()
