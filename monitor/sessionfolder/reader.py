"""A session folder as a source: the same inputs in the same order as the live run had.

Its settings, start index and alarms come with it (`info`): a pipeline made with those says the
same. A folder whose run was killed ends where its sound ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from monitor import events as ev
from monitor.capture.source import SourceKind
from monitor.closing import Closing
from monitor.errors import InputError
from monitor.sessionfolder import format as ff

BLOCK_S = 1.0
"""Longest block that is yielded."""

_line = msgspec.json.Decoder(ff.Line).decode
Frames = NDArray[np.int16]


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
            raise InputError(f"{folder}: no session folder ({error.strerror})") from None
        except msgspec.DecodeError as error:
            raise InputError(f"{folder / ff.INFO}: {error}") from None
        if self.info.version != ff.VERSION:
            raise InputError(f"{folder}: recorded by another version", "update Apexbeat")
        self.name = self.info.name
        self.rate_hz, self.channels = self.info.rate_hz, self.info.channels
        self.complete = False

    def __iter__(self) -> Iterator[ev.Input]:
        """Yield every input; commands and conditions too."""
        sound = _Sound(self.folder / ff.SOUND, self.channels)
        done = 0
        for line in self._lines():
            if isinstance(line, ff.End):
                self.complete = line.complete
                return
            if not isinstance(line, ff.Sound):
                yield _input_of(line)
                continue
            left = line.frames
            while left:
                frames = sound.read(min(left, round(BLOCK_S * self.rate_hz)))
                if not len(frames):
                    return  # killed: the sound ends here
                samples = frames.astype(np.float32) / np.float32(ff.FULL_SCALE)
                yield ev.Block(samples, self.rate_hz, done, tuple(line.flags))
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


class _Sound:
    """The pieces of sound, one after the other."""

    def __init__(self, folder: Path, channels: int) -> None:
        self._channels = channels
        names = sorted({path.name.split(".")[0] for path in folder.glob("*.*")})
        if names and names[0].isdigit() and int(names[0]) > 1:
            raise InputError(
                f"{folder}: the first of the sound was deleted when its days were over",
                "what is left cannot be replayed; the events are in the record",
            )
        self._paths = [folder / name for name in names]
        self._piece: Frames = np.zeros((0, channels), np.int16)

    def read(self, count: int) -> Frames:
        """The next frames, at most ``count``; none at the end."""
        while not len(self._piece):
            if not self._paths:
                return self._piece
            self._piece = self._load(self._paths.pop(0))
        frames, self._piece = self._piece[:count], self._piece[count:]
        return frames

    def _load(self, path: Path) -> Frames:
        for suffix in (".flac", ".wav"):
            whole = path.with_name(path.name + suffix)
            if whole.exists():
                try:
                    sound, _ = sf.read(whole, dtype="int16", always_2d=True)
                except (OSError, RuntimeError) as error:
                    raise InputError(f"{whole}: {error}") from None
                return np.asarray(sound, np.int16)
        data = path.with_name(path.name + ".wav.part").read_bytes()[ff.HEADER :]
        frame = 2 * self._channels
        data = data[: len(data) // frame * frame]
        return np.frombuffer(data, "<i2").reshape(-1, self._channels).astype(np.int16)


def _input_of(line: ff.Line) -> ev.Input:
    match line:
        case ff.Lost():
            return ev.Lost(line.start, line.length, line.uncertainty, line.reason)
        case ff.Idle():
            return ev.Idle(line.seconds)
        case ff.Condition():
            return ev.Condition(line.kind, line.present, line.evidence)
        case ff.Command():
            return ev.Command(
                line.kind,  # type: ignore[arg-type]
                line.index,
                line.alarm,
                line.seconds,
                line.note,
                line.limits,
            )
        case _:
            raise TypeError("not an input")
