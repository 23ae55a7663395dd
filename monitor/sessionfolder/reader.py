"""A session folder as a source: the same inputs in the same order as the live run had.

Its settings, start index and alarms come with it (`info`): a pipeline made with those says the
same. A folder whose run was killed ends where its sound ends.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import msgspec

from monitor import events as ev
from monitor.capture.source import SourceKind
from monitor.errors import InputError
from monitor.sessionfolder import format as ff
from monitor.sessionfolder.pieces import SessionSound
from monitor.system.closing import Closing

BLOCK_S = 1.0
"""Longest block that is yielded."""

_line = msgspec.json.Decoder(ff.Line).decode


def is_session_folder(path: Path) -> bool:
    """Whether ``path`` is a session folder."""
    return (path / ff.INFO).is_file() and (path / ff.INPUTS).is_file()


class FolderSource(Closing):
    """The inputs of a recorded session.

    Attributes
    ----------
    info
        What it was recorded with.
    complete
        Whether the run ended in order; known once all was read.

    Raises
    ------
    InputError
        If it is no session folder of this version.
    """

    kind: SourceKind = "replay"
    duration_s: float | None = None

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.info = ff.read_info(folder)
        self.name = self.info.name
        self.rate_hz, self.channels = self.info.rate_hz, self.info.channels
        self.complete = False

    def __iter__(self) -> Iterator[ev.Input]:
        """Yield every input; commands and conditions too."""
        sound = SessionSound(self.folder / ff.SOUND, self.channels, self.rate_hz)
        sound.require_begin()
        done = 0
        for line in self._lines():
            if isinstance(line, ff.End):
                self.complete = line.complete
                return
            if not isinstance(line, ff.Sound):
                yield line
                continue
            left = line.frames
            while left:
                frames = sound.read(min(left, round(BLOCK_S * self.rate_hz)))
                if not len(frames):
                    return  # killed: the sound ends here
                yield ev.Block(frames, self.rate_hz, done, tuple(line.flags))
                done += len(frames)
                left -= len(frames)

    def _lines(self) -> Iterator[ff.Line]:
        path = self.folder / ff.INPUTS
        with path.open("rb") as file:
            for number in itertools.count(1):
                text = file.readline(ff.LONGEST_LINE)
                try:
                    if len(text) == ff.LONGEST_LINE:
                        raise ValueError("too long")
                    if not text.endswith(b"\n"):
                        return  # the end, or killed while it was written
                    yield _checked(_line(text))
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{path}, line {number}: {error}") from None


def _checked(line: ff.Line) -> ff.Line:
    """See that a number of a line is one that a session can have; `ff.Sound` knows its own.

    Raises
    ------
    ValueError
        Names it.
    """
    numbers: dict[str, float]
    match line:
        case ev.Lost():
            numbers = {"start": line.start, "length": line.length, "uncertainty": line.uncertainty}
            most: float = ff.MAX_INDEX
        case ev.Command():
            numbers, most = {"index": line.index}, ff.MAX_INDEX
        case ev.Idle():
            numbers, most = {"seconds": line.seconds}, ff.MAX_S
        case _:
            return line
    for name, value in numbers.items():
        if not 0 <= value <= most:
            raise ValueError(f"{name} is outside 0-{most:g}")
    return line
