"""Sound of a session as one stream of frames: an audio file, or the pieces of a session folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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
from monitor.regular_file import check_regular, read_regular
from monitor.sessionfolder import format as ff
from monitor.sessionfolder.segments import SEGMENT_S
from monitor.text import clean

Frames = NDArray[np.float32]

LOOK_FRAMES = 2**18


class Sound(Protocol):
    """Frames of one rate, read from the front.

    Attributes
    ----------
    first
        Absolute index (2 kHz) of the first frame.
    whole
        Whether it is known to belong to its events, and to lack what was lost.
    """

    rate_hz: int
    channels: int
    first: int
    whole: bool

    def frames(self) -> int:
        """How many frames there are, before the first is read."""
        ...

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
            check_regular(path)  # it is read twice
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
        self._frames = max(0, there - start)
        if length_s is not None:
            self._frames = min(self._frames, round(length_s * self.rate_hz))

    def frames(self) -> int:
        return self._frames

    def read(self, count: int) -> Frames:
        piece = self._decoder.read(count)
        if isinstance(piece, Missing):
            return np.zeros((piece.frames, self.channels), np.float32)
        return piece if self._scale == 1 else piece * self._scale


class SessionSound:
    """The pieces of a session folder, one after the other; the last may still be growing.

    Parameters
    ----------
    folder
        Of the pieces (see `segments`).
    """

    def __init__(self, folder: Path, channels: int, rate_hz: int) -> None:
        self._folder, self._channels, self._rate_hz = folder, channels, rate_hz
        names = sorted({path.name.split(".")[0] for path in folder.glob("*.*")})
        self._stems = [folder / name for name in names]
        self._held: Frames = np.zeros((0, channels), np.float32)

    def require_begin(self) -> None:
        """Check that the first piece is still there.

        Raises
        ------
        InputError
            If it was deleted when its days were over.
        """
        first = self._stems[0].name if self._stems else ""
        if first.isdigit() and int(first) > 1:
            raise InputError(
                f"{self._folder}: the first of the sound was deleted when its days were over",
                "what is left cannot be replayed; the events are in the record",
            )

    def frames(self) -> int:
        """How many frames there are now."""
        return sum(self._frames_of(stem) for stem in self._stems)

    def read(self, count: int) -> Frames:
        """Return the next frames, at most ``count``, float32 [n, channels]; none at the end."""
        while not len(self._held) and self._stems:
            self._held = self._load(self._stems.pop(0))
        frames, self._held = self._held[:count], self._held[count:]
        return frames

    def _frames_of(self, stem: Path) -> int:
        path = _whole_piece(stem)
        if path is not None:
            return self._checked_frames(path)
        size = max(_growing(stem).stat().st_size - ff.HEADER, 0)
        return size // (2 * self._channels)

    def _checked_frames(self, path: Path) -> int:
        """Frames of a whole piece; a piece is read into memory as a whole.

        Raises
        ------
        InputError
            If it cannot be read, is longer than a piece, or of another rate or number of channels.
        """
        try:
            info = soundfile.info(path)
        except (OSError, RuntimeError) as error:
            raise InputError(f"{path}: {error}") from None
        if (info.samplerate, info.channels) != (self._rate_hz, self._channels):
            raise InputError(
                f"{path}: {info.samplerate} Hz, {info.channels} channels, where the session has"
                f" {self._rate_hz} Hz, {self._channels}"
            )
        if info.frames > SEGMENT_S * info.samplerate:
            raise InputError(f"{path}: longer than a piece of a session ({SEGMENT_S:g} s)")
        return int(info.frames)

    def _load(self, stem: Path) -> Frames:
        path = _whole_piece(stem)
        if path is not None:
            self._checked_frames(path)
            try:
                frames: Frames = soundfile.read(path, dtype="float32", always_2d=True)[0]
            except (OSError, RuntimeError) as error:
                raise InputError(f"{path}: {error}") from None
            return frames
        most = ff.HEADER + round(SEGMENT_S * self._rate_hz) * 2 * self._channels
        data = read_regular(_growing(stem), most)[ff.HEADER :]
        data = data[: len(data) // (2 * self._channels) * 2 * self._channels]
        pcm = np.frombuffer(data, "<i2").reshape(-1, self._channels)
        return (pcm / np.float32(ff.FULL_SCALE)).astype(np.float32)


class _Folder(SessionSound):
    """A session folder as the sound of its events."""

    whole = True

    def __init__(self, folder: Path) -> None:
        info = ff.read_info(folder)
        super().__init__(folder / ff.SOUND, info.channels, info.rate_hz)
        self.rate_hz, self.channels, self.first = info.rate_hz, info.channels, info.index


def _whole_piece(stem: Path) -> Path | None:
    paths = (stem.with_name(stem.name + suffix) for suffix in (".flac", ".wav"))
    return next((path for path in paths if path.is_file()), None)


def _growing(stem: Path) -> Path:
    return stem.with_name(stem.name + ".wav.part")
