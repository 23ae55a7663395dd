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

from monitor.decoding.decoder import Decoder, Missing
from monitor.decoding.look import LOOK_S, begin, joined, level_scale
from monitor.decoding.opening import open_decoder
from monitor.decoding.sndfile import SndfileDecoder
from monitor.errors import InputError
from monitor.sessionfolder import format as ff
from monitor.text import clean

Frames = NDArray[np.float32]

LOOK_FRAMES = 2**18


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
def open_sound(path: Path, start_s: float = 0.0, length_s: float | None = None) -> Iterator[Sound]:
    """Open a file of sound, of any format that can be read, or a session folder.

    Parameters
    ----------
    start_s, length_s
        Part of a file that was heard.

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
            with open_decoder(path) as decoder:
                yield _File(path, decoder, start_s, length_s)
    except InputError as error:
        raise InputError(clean(str(error), 300)) from error
    except (OSError, soundfile.LibsndfileError, msgspec.DecodeError) as error:
        raise InputError(f"{name} cannot be read as sound: {clean(str(error), 160)}") from error


class _File:
    first = 0
    whole = False

    def __init__(
        self, path: Path, decoder: Decoder, start_s: float, length_s: float | None
    ) -> None:
        self._decoder = decoder
        self.rate_hz, self.channels = decoder.rate_hz, decoder.channels
        self._scale = np.float32(1.0)
        start = round(start_s * self.rate_hz)
        if not decoder.bounded:
            with open_decoder(path) as other:
                other.skip(start)
                seen = joined(list(begin(other, LOOK_S, LOOK_FRAMES)))
            if seen is not None:
                self._scale = np.float32(level_scale(seen))
        there = decoder.frames
        if there is None or decoder.trouble or not isinstance(decoder, SndfileDecoder):
            with open_decoder(path) as other:
                there = other.skip(1 << 62)
        decoder.skip(start)
        self.frames = max(0, there - start)
        if length_s is not None:
            self.frames = min(self.frames, round(length_s * self.rate_hz))

    def read(self, count: int) -> Frames:
        piece = self._decoder.read(count)
        if isinstance(piece, Missing):
            return np.zeros((piece.frames, self.channels), np.float32)
        return piece if self._scale == 1 else piece * self._scale


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
