"""A session folder as a source: the same inputs in the same order as the live run had.

Its settings, start index and alarms come with it (`info`): a pipeline made with those says the
same. A folder whose run was killed ends where its sound ends.
"""

from __future__ import annotations

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

    Parameters
    ----------
    folder
        Of the session.

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
        try:
            self.info = msgspec.json.decode((folder / ff.INFO).read_bytes(), type=ff.FolderInfo)
        except OSError as error:
            raise InputError(f"{folder}: not a session folder ({error.strerror})") from None
        except msgspec.DecodeError as error:
            raise InputError(f"{folder / ff.INFO}: {error}") from None
        if self.info.version != ff.VERSION:
            raise InputError(f"{folder}: recorded by another version", "update Apexbeat")
        self.name = self.info.name
        self.rate_hz, self.channels = self.info.rate_hz, self.info.channels
        self.complete = False

    def __iter__(self) -> Iterator[ev.Input]:
        """Yield every input; commands and conditions too."""
        sound = SessionSound(self.folder / ff.SOUND, self.channels)
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
        with (self.folder / ff.INPUTS).open("rb") as file:
            for number, text in enumerate(file, 1):
                if not text.endswith(b"\n"):
                    return  # killed while it was written
                try:
                    yield _line(text)
                except msgspec.DecodeError as error:
                    raise InputError(f"{self.folder / ff.INPUTS}, line {number}: {error}") from None
