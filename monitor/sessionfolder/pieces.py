"""Sound of a session as one stream of frames: an audio file, or the pieces of a session folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
import soundfile
from numpy.typing import NDArray

from monitor.errors import InputError
from monitor.sessionfolder import format as ff
from monitor.text import clean

Frames = NDArray[np.float32]


class Sound(Protocol):
    """Frames of one rate, read from the front.

    Attributes
    ----------
    rate_hz, channels, frames
        What it is, and how many frames there are.
    first
        Absolute index (2 kHz) of the first frame.
    whole
        Whether it is known to belong to its events, and to lack what was lost.
    """

    rate_hz: int
    channels: int
    frames: int
    first: int
    whole: bool

    def read(self, count: int) -> Frames:
        """Return the next frames, float32 [n, channels]; none at the end."""
        ...


@contextlib.contextmanager
def open_sound(path: Path) -> Iterator[Sound]:
    """Open an audio file or a session folder.

    Raises
    ------
    InputError
        If it is neither.
    """
    name = clean(str(path), 200)
    try:
        if path.is_dir():
            yield _Folder(path)
        else:
            with soundfile.SoundFile(path) as file:
                yield _File(file)
    except (OSError, soundfile.LibsndfileError, msgspec.DecodeError) as error:
        raise InputError(f"{name} cannot be read as sound: {clean(str(error), 160)}") from error


class _File:
    first = 0
    whole = False

    def __init__(self, file: soundfile.SoundFile) -> None:
        self._file = file
        self.rate_hz, self.channels = int(file.samplerate), int(file.channels)
        self.frames = int(file.frames)

    def read(self, count: int) -> Frames:
        frames: Frames = self._file.read(count, "float32", always_2d=True)
        return frames


@dataclass(frozen=True, slots=True)
class _Piece:
    path: Path
    frames: int


class _Folder:
    """The pieces of a session folder; the last may still be growing (see ``record.segments``)."""

    whole = True

    def __init__(self, folder: Path) -> None:
        info = msgspec.json.decode((folder / ff.INFO).read_bytes(), type=ff.FolderInfo)
        self.rate_hz, self.channels, self.first = info.rate_hz, info.channels, info.index
        names = sorted({path.name.split(".")[0] for path in (folder / ff.SOUND).glob("*.*")})
        self._pieces = [self._piece(folder / ff.SOUND / name) for name in names]
        self.frames = sum(piece.frames for piece in self._pieces)
        self._held: Frames = np.zeros((0, self.channels), np.float32)

    def read(self, count: int) -> Frames:
        while not len(self._held) and self._pieces:
            self._held = self._load(self._pieces.pop(0).path)
        frames, self._held = self._held[:count], self._held[count:]
        return frames

    def _piece(self, stem: Path) -> _Piece:
        for suffix in (".flac", ".wav"):
            path = stem.with_name(stem.name + suffix)
            if path.exists():
                return _Piece(path, int(soundfile.info(path).frames))
        path = stem.with_name(stem.name + ".wav.part")
        size = max(path.stat().st_size - ff.HEADER, 0)
        return _Piece(path, size // (2 * self.channels))

    def _load(self, path: Path) -> Frames:
        if path.suffix != ".part":
            frames: Frames = soundfile.read(path, dtype="float32", always_2d=True)[0]
            return frames
        data = path.read_bytes()[ff.HEADER :]
        data = data[: len(data) // (2 * self.channels) * 2 * self.channels]
        pcm = np.frombuffer(data, "<i2").reshape(-1, self.channels)
        return (pcm / ff.FULL_SCALE).astype(np.float32)
