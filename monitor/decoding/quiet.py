"""Keeps the chatter of a decoder off standard error.

libmpg123 (inside libsndfile) writes there by itself, past Python; what matters of it is told in
words of our own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()


@contextmanager
def quiet(wanted: bool = True) -> Iterator[None]:
    """Send what is written to file descriptor 2 nowhere, if ``wanted``."""
    if not wanted:
        yield
        return
    with _lock:
        try:
            kept = os.dup(2)
        except OSError:  # closed by whoever started us: nothing can be written there
            yield
            return
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(null)
