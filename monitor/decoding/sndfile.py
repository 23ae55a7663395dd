"""What libsndfile reads: WAV, FLAC, Ogg, AIFF, MP3 and more; the first choice for every file.

A header is compared with the file first (`containers`): where it lies, plain samples are read
here to the end that there is, and the rest of the formats as far as libsndfile goes.
"""

from __future__ import annotations

import os
from pathlib import Path

import soundfile

from monitor.decoding import containers
from monitor.decoding.decoder import Decoder, Frames, Missing, length_words
from monitor.decoding.pcm import PcmDecoder
from monitor.decoding.quiet import quiet

NO_LENGTH = 1 << 62
"""What libsndfile says instead of a number of frames that a header does not tell."""

BOUNDED = frozenset(
    {"PCM_S8", "PCM_U8", "PCM_16", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "DPCM_8"}
    | {"DPCM_16", "DWVW_12", "DWVW_16", "VOX_ADPCM", "G721_32", "G723_24", "G723_40", "ALAC_16"}
    | {"NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32"}
    | {"VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"}
)
"""Codings whose level is that of 16 bits or fewer."""

PIECE = 256
"""Frames read at once near damage: what one read loses."""

BEYOND = (*range(1024, 16_385, 1024), 32_768, 65_536, 131_072)
"""Frames from a damaged block of FLAC at which the next whole one is looked for."""

HOLES = 64
"""Damaged places of one file that are passed over; after more, it ends."""

MPEG_FRAME = 576
"""Frames that MPEG codes at once, at the least."""

ERRORS = (soundfile.SoundFileError, RuntimeError, OSError)


class NotSound(Exception):
    """libsndfile does not read it; the words say why, where that is known."""


class Forward(soundfile.SoundFile):  # type: ignore[misc]  # no types there
    """Read from the front only: soundfile seeks after each block otherwise."""

    def seekable(self) -> bool:
        return False


class SndfileDecoder(Decoder):
    """One file through libsndfile.

    Parameters
    ----------
    source
        Its path as bytes or text, or a file object that can go back while it is opened.
    trouble
        What is known to be wrong with it.
    """

    def __init__(self, source: object, trouble: str = "", rereadable: bool = True) -> None:
        chatty = not isinstance(source, bytes | str) or _chatty(source)
        try:
            with quiet(chatty):
                self._file = Forward(source)
        except (*ERRORS, TypeError) as error:
            raise NotSound(str(error)) from None
        self._mpeg = chatty and str(self._file.format) == "MP3"
        self.rate_hz, self.channels = int(self._file.samplerate), int(self._file.channels)
        frames = int(self._file.frames)
        self.frames = None if frames >= NO_LENGTH else frames
        self.bounded = str(self._file.subtype) in BOUNDED
        self.rereadable = rereadable
        self.trouble = trouble
        if self.frames is None and rereadable and not trouble:
            self.trouble = (
                "its header gives no length, so nobody can tell whether the end is missing"
            )
        self._source = source
        self._done, self._over, self._careful = 0, False, False
        self._holes = self._lost = 0
        self._passed = 0  # frames of a damaged place that are still to be told

    def read(self, count: int) -> Frames | Missing:
        if self._passed:
            return self._tell(count)
        if self.frames is not None:
            count = min(count, self.frames - self._done)
        if count <= 0 or self._over:
            return self.none() if self._over else self._end(damaged=False)
        try:
            with quiet(self._mpeg):
                out: Frames = self._file.read(
                    min(count, PIECE) if self._careful else count, dtype="float32", always_2d=True
                )
        except ERRORS:
            if not self.rereadable:
                return self._end()
            return self._beyond(count) if self._careful else self._again(count)
        self._done += len(out)
        return out if len(out) else self._end(damaged=False)

    def _beyond(self, count: int) -> Frames | Missing:
        """Pass over a damaged block to the next whole one; FLAC alone knows them by their sums."""
        self._holes += 1
        if self.frames is None or self._holes > HOLES or str(self._file.format) != "FLAC":
            return self._end()
        for step in BEYOND:
            if self._done + step >= self.frames:
                break
            try:
                self._file.close()
                self._file = Forward(self._source)
                self._file.seek(self._done + step)
                self._file.read(1, dtype="float32")
                self._file.seek(self._done + step)
            except ERRORS:
                continue
            self._careful = False
            self._passed = step
            self._lost += step
            self.trouble = f"damaged, {self._lost / self.rate_hz:.1f} s of it cannot be decoded"
            return self._tell(count)
        return self._end()

    def _tell(self, count: int) -> Missing:
        """Of a damaged place, what was asked for."""
        told = min(count, self._passed)
        self._passed -= told
        self._done += told
        return Missing(told, "damaged")

    def _again(self, count: int) -> Frames | Missing:
        """Go to where the last good read ended, and on in small pieces to the very damage."""
        self._careful = True
        self._file.close()
        try:
            with quiet(self._mpeg):
                self._file = Forward(self._source)
                left = self._done
                if self._holes:  # what lies before cannot be read through
                    self._file.seek(left)
                    left = 0
                while left > 0 and (here := len(self._file.read(min(left, 16 * PIECE)))):
                    left -= here
        except ERRORS:
            return self._end()
        return self.read(count)

    def _end(self, damaged: bool = True) -> Frames:
        """Note what is missing at the end."""
        self._over = True
        short = self.frames is not None and self._done < self.frames
        short = short or (self._mpeg and self._done < MPEG_FRAME)  # cut within the first one
        if (damaged or short) and (not self.trouble or self._holes):
            lacks = length_words(self.rate_hz, self._done, self.frames)
            before = f"{self.trouble}, and " if self.trouble else ""
            self.trouble = f"{before}cut short or damaged, {lacks}"
        return self.none()

    def skip(self, count: int) -> int:
        """See `Decoder.skip`; seeks where the length is known."""
        if self.frames is None or not self.rereadable or self._done:
            return super().skip(count)
        to = min(count, self.frames)
        try:
            with quiet(self._mpeg):
                self._file.seek(to)
        except ERRORS:
            return super().skip(count)
        self._done = to
        return to

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _chatty(source: bytes | str) -> bool:
    """Whether opening it may make libmpg123 talk: it is none of the formats known by their head."""
    with open(source, "rb") as file:
        head = file.read(16)
    return not containers.known(head) and head[:4] not in (b"fLaC", b"OggS")


def open_file(path: Path) -> Decoder:
    """Open a file by its header, through libsndfile where it is honest.

    Raises
    ------
    NotSound
        If libsndfile does not read it.
    OSError
        If the file cannot be read.
    """
    try:
        found = containers.examine(path)
    except containers.BadHeader as bad:
        try:
            return SndfileDecoder(_name(path))
        except NotSound:
            raise NotSound(f"{bad}") from None
    if found is not None and found.trouble:
        header, stop = found.header, found.length
        if header.coding and header.channels > 0:
            file = path.open("rb")
            file.seek(header.start)
            form = header.coding, header.rate_hz, header.channels
            return PcmDecoder(file, *form, length=stop, trouble=found.trouble)
        return SndfileDecoder(_name(path), found.trouble)
    trouble = ""
    with path.open("rb") as opened:
        if opened.read(4) == b"OggS":
            trouble = containers.ogg_trouble(path)
    return SndfileDecoder(_name(path), trouble)


def _name(path: Path) -> str | bytes:
    # As bytes: a name need not be UTF-8, and soundfile refuses such a text.
    return os.fspath(path) if os.name == "nt" else os.fsencode(path)
