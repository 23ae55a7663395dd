"""Audio files as a source: WAV, FLAC, OGG, AIFF and what else libsndfile reads, in blocks.

A file is never held whole. What cannot be read, or not to the end that its header tells of, is
an ``InputError`` of one line that names the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import soundfile

from monitor.capture.headers import complaint
from monitor.capture.source import SourceKind
from monitor.closing import Closing
from monitor.errors import InputError
from monitor.events import Block
from monitor.text import harmless

SUFFIXES = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus"}
    | {".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
)
"""Files of a folder that are taken for audio."""

RATES_HZ = (1000, 192_000)
"""Rates that the signal path can take."""

BLOCK_S = 10.0
"""Seconds read at once when nobody waits for them."""

_NO_LENGTH = 1 << 62


class FileSource(Closing):
    """One audio file.

    Parameters
    ----------
    path
        The file.
    block_s, block_frames
        How much a block holds: in seconds, or in frames.

    Raises
    ------
    InputError
        If it is missing, empty, no audio, of an impossible rate, or shorter than it says.
    """

    kind: SourceKind = "replay"

    def __init__(
        self, path: Path, block_s: float = BLOCK_S, block_frames: int | None = None
    ) -> None:
        self.path = path
        self.name = harmless(path.name)
        self._file = _open(path)
        self.rate_hz = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self._frames = int(self._file.frames)
        self._block = block_frames or max(1, round(block_s * self.rate_hz))
        try:
            self._check()
        except InputError:
            self._file.close()
            raise

    @property
    def duration_s(self) -> float:
        """Length in seconds, as the header tells."""
        return self._frames / self.rate_hz

    def __iter__(self) -> Iterator[Block]:
        """Yield the file in blocks.

        Raises
        ------
        InputError
            If it ends before its header says, or is damaged.
        """
        done = 0
        while done < self._frames:
            try:
                samples = self._file.read(self._block, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, RuntimeError, OSError):
                raise self._broken(done) from None
            if not len(samples):
                raise self._broken(done)
            yield Block(samples, self.rate_hz, done)
            done += len(samples)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _broken(self, done: int) -> InputError:
        return InputError(
            f"{self.path}: damaged or cut short after {done / self.rate_hz:.1f} s "
            f"of {self.duration_s:.1f} s"
        )

    def _check(self) -> None:
        least, most = RATES_HZ
        if not least <= self.rate_hz <= most:
            raise InputError(f"{self.path}: rate {self.rate_hz} Hz is outside {least}–{most} Hz")
        if self._frames >= _NO_LENGTH:
            raise InputError(f"{self.path}: its header tells no length", "write it anew with flac")
        wrong = complaint(self.path)
        if wrong:
            raise InputError(f"{self.path}: {wrong}")
        if self._frames == 0:
            raise InputError(f"{self.path}: holds no sound")


def _open(path: Path) -> soundfile.SoundFile:
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path}: empty file")
        with path.open("rb"):
            pass  # says why it cannot be opened, which libsndfile does not
        # As bytes: a name need not be UTF-8, and soundfile refuses such a text.
        return soundfile.SoundFile(os.fspath(path) if os.name == "nt" else os.fsencode(path))
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (soundfile.SoundFileError, RuntimeError, TypeError):
        raise InputError(f"{path}: not a sound file that can be read") from None


def find(folder: Path) -> list[Path]:
    """Return the audio files in a folder and the folders in it, sorted; others are ignored.

    Raises
    ------
    InputError
        If there is none, or the folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: {(error.strerror or 'cannot be read').lower()}")

    found = [
        Path(where) / name
        for where, _, names in os.walk(folder, onerror=refuse)
        for name in names
        if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
    ]
    if not found:
        raise InputError(f"{folder}: no audio in this folder")
    return sorted(found)
