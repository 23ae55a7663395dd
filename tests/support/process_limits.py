"""Limits of processes under test: descriptors and memory that they do not get (Linux)."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def limited(pid: int, what: int, limit: int) -> Iterator[None]:
    """Give a process no more of something (``resource.RLIMIT_...``), and then as much as before."""
    soft, hard = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (limit, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, what, (soft, hard))


def address_space(pid: int) -> int:
    """Bytes that a process has mapped: with this limit it gets no more."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0]
    return int(pages) * resource.getpagesize()
