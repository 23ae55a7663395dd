"""Sound that comes through a pipe: standard input, a FIFO, ``<( )``; read once, from the front.

WAV, AIFF, AU, W64 and CAF are read by their header as they come, FLAC through libsndfile, bytes
without a header by what the person says (``--raw``), the rest by FFmpeg where that is installed.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import cast

from monitor.decoding import containers
from monitor.decoding.decoder import Decoder, Hints
from monitor.decoding.pcm import PcmDecoder, Readable
from monitor.decoding.sndfile import NotSound, SndfileDecoder

STDIN = (Path("-"), Path("/dev/stdin"))
END = 1 << 60
"""Where a stream is said to end while it is opened."""


def is_stream(path: Path) -> bool:
    """Whether ``path`` can be read once only.

    Raises
    ------
    OSError
        If there is nothing of that name, or a device other than standard input.
    """
    if path in STDIN:
        return True
    mode = path.stat().st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "is a device, no recording", str(path))
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def open_stream(path: Path, hints: Hints) -> Decoder:
    """Open a stream; waits for its first bytes.

    Raises
    ------
    NotSound
        If it is of no format that can be read as a stream.
    OSError
        If it cannot be opened.
    """
    raw = io.FileIO(os.dup(0)) if path in STDIN else io.FileIO(path)
    try:
        return _decoder(raw, hints)
    except BaseException:
        raw.close()
        raise


def _decoder(raw: io.FileIO, hints: Hints) -> Decoder:
    if hints.raw is not None:
        form = hints.raw
        return PcmDecoder(raw, form.coding, form.rate_hz, form.channels, rereadable=False)
    source = Rewindable(cast(Readable, raw))
    head = source.peek(16)
    if not head:
        raise NotSound("nothing came")
    if containers.known(head):
        try:
            header = containers.parse(source)
        except containers.BadHeader as bad:
            raise NotSound(str(bad)) from None
        if header.coding is None or header.channels < 1:
            raise NotSound("a coding that is not read from a pipe")
        source.forget()
        return _Piped(source, header)
    if head[:4] == b"fLaC":
        decoder = SndfileDecoder(source, rereadable=False)
        source.forget()
        return decoder
    from monitor.decoding import media

    return media.open_stream(source)


class Rewindable(io.RawIOBase):
    """A stream that can go back to its begin until `forget` is called.

    libsndfile goes back while it opens a FLAC stream, and never after.
    """

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._kept, self._keeping, self._first = bytearray(), True, 0
        self._at = 0

    def peek(self, count: int) -> bytes:
        """The next bytes, without passing over them."""
        at, keeping = self._at, self._keeping
        self._keeping = True
        data = b""
        while len(data) < count and (more := self.read(count - len(data))):
            data += more
        self._at, self._keeping = at, keeping
        return data

    def forget(self) -> None:
        """Keep no more of what was read."""
        self._keeping = False

    def read(self, count: int = -1, /) -> bytes:
        """Read up to ``count`` bytes; none at the end."""
        kept = self._kept[self._at - self._first :][:count]
        if kept:
            self._at += len(kept)
            if not self._keeping and self._at >= self._first + len(self._kept):
                self._first, self._kept = self._at, bytearray()
            return bytes(kept)
        data = self._stream.read(count)
        if self._keeping:
            self._kept += data
        else:
            self._first += len(data)
        self._at += len(data)
        return data

    def readinto(self, buffer: object, /) -> int:
        """Fill a buffer as far as the stream goes, so that a short read means its end."""
        view = memoryview(cast(bytearray, buffer)).cast("B")
        done = 0
        while done < len(view) and (data := self.read(len(view) - done)):
            view[done : done + len(data)] = data
            done += len(data)
        return done

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go back within what is kept, or say where the end would be."""
        at = {0: 0, 1: self._at, 2: END}[whence] + offset
        ahead = at - (self._first + len(self._kept))
        if whence == 2 or at < self._first or ahead > 0:
            if whence != 2 and self._keeping and 0 < ahead <= containers.LARGEST_CHUNK:
                self._at = self._first + len(self._kept)
                while self._at < at and self.read(at - self._at):
                    pass
                return self._at
            self._at = at  # libsndfile asks for the length, and comes back
            return at
        self._at = at
        return at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        """Yes, as far as `seek` goes."""
        return True

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
        super().close()


class _Piped(PcmDecoder):
    """Plain samples of a pipe, on past a length that was too small."""

    def __init__(self, stream: Rewindable, header: containers.Header) -> None:
        assert header.coding is not None
        super().__init__(
            stream, header.coding, header.rate_hz, header.channels, length=header.length,
            rereadable=False,
        )  # fmt: skip
        self._source, self._chunks = stream, header.chunks

    def _goes_on(self) -> bool:
        head = self._source.peek(8) if self.frames is not None else b""
        if len(head) < 8 or (self._chunks and head[:4].isascii() and head[:4].strip().isalnum()):
            return False
        self.frames = None
        self.trouble = "its header tells of less sound than came"
        return True
