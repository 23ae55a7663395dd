"""Follows a folder that is being filled: yields each recording once, when it is whole.

A file is whole when it has not changed for `SETTLED_S`; one that says itself that more is to come
(its header promises more, or has no length yet) gets `PATIENCE_S`, and is then taken as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from monitor.clock import Clock
from monitor.decoding.decoder import NO_HINTS, Hints
from monitor.decoding.opening import open_decoder
from monitor.errors import InputError
from monitor.replay.inputs import search

POLL_S = 1.0
SETTLED_S = 3.0
PATIENCE_S = 30.0


@dataclass
class _Seen:
    """State of a file when it was last looked at, and since when it has been that."""

    state: tuple[int, int]
    since_s: float


def whole_files(
    folder: Path, clock: Clock, known: Collection[Path] = (), hints: Hints = NO_HINTS
) -> Iterator[Path | None]:
    """Yield recordings as they become whole, None after each look at the folder.

    Parameters
    ----------
    folder
        Looked at with all folders in it.
    clock
        Time; it sleeps between two looks.
    known
        Recordings to leave out.

    Raises
    ------
    InputError
        If the folder cannot be read.
    """
    done = set(known)
    seen: dict[Path, _Seen] = {}
    while True:
        for path in _there(folder, hints):
            if path not in done and _is_whole(path, seen, clock.monotonic(), hints):
                done.add(path)
                seen.pop(path, None)
                yield path
        yield None
        clock.sleep(POLL_S)


def _there(folder: Path, hints: Hints) -> list[Path]:
    try:
        return search(folder, hints).files
    except InputError:
        if not folder.is_dir():
            raise
        return []  # nothing in it yet


def _is_whole(path: Path, seen: dict[Path, _Seen], now_s: float, hints: Hints) -> bool:
    try:
        status = path.stat()
    except OSError:  # gone, or renamed
        seen.pop(path, None)
        return False
    state = status.st_size, status.st_mtime_ns
    before = seen.get(path)
    if before is None or before.state != state:
        seen[path] = _Seen(state, now_s)
        return False
    if now_s - before.since_s < SETTLED_S or not status.st_size:
        return False
    return now_s - before.since_s >= PATIENCE_S or not _wants_more(path, hints)


def _wants_more(path: Path, hints: Hints) -> bool:
    """Whether a file says of itself that it is not finished."""
    try:
        with open_decoder(path, hints) as decoder:
            return bool(decoder.trouble)
    except InputError:
        return True
