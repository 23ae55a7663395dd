"""What FFmpeg reads and libsndfile does not: m4a, mp4, 3gp, aac, wma, webm, amr, caf, ...

Through PyAV (the extra ``apexbeat[media]``, whose wheels bring FFmpeg) or an ``ffmpeg`` on the
PATH. Neither may open anything but the one file: a hostile playlist gets no other file and no
network.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from monitor.decoding import containers
from monitor.decoding.decoder import Decoder, Frames, Missing, length_words
from monitor.decoding.pcm import PcmDecoder, Readable
from monitor.decoding.sndfile import MPEG_FRAME, NotSound

EXTRA = "install the extra apexbeat[media], or ffmpeg"

_TOLD = re.compile(r"mov|mp4|matroska|webm|asf|caf|wav|avi|w64")
"""Containers whose duration is written in them; that of others FFmpeg guesses by their size."""

_COMPLAINT = re.compile(r"(?i)error|invalid data|corrupt|truncat")

SHORT_S, CAF_PACKET = 0.08, 4096
"""A recording that lacks less of its duration is whole: the encoder's delay; CAF counts its last
packet as a full one."""

SMALLEST = 64 * 2**10
"""Frames handed on at once, if they come: a packet has a thousand."""


def available() -> bool:
    """Whether FFmpeg is there in either form."""
    return importlib.util.find_spec("av") is not None or shutil.which("ffmpeg") is not None


def open_file(path: Path) -> Decoder:
    """Open a file.

    Raises
    ------
    NotSound
        If it holds no sound, or nothing is installed that could read it.
    OSError
        If it cannot be read.
    """
    if importlib.util.find_spec("av") is not None:
        return AvDecoder(path.open("rb"))
    if shutil.which("ffmpeg") is not None:
        return FfmpegDecoder(path)
    raise NotSound(EXTRA)


def open_stream(stream: Readable) -> Decoder:
    """Open what comes through a pipe.

    Raises
    ------
    NotSound
        If it holds no sound, or PyAV is not installed.
    """
    if importlib.util.find_spec("av") is None:
        raise NotSound(
            "a pipe is read as WAV, FLAC or with --raw; for more install the extra apexbeat[media]"
        )
    decoder = AvDecoder(_Forward(stream))
    decoder.rereadable = False
    return decoder


class _Forward:
    """A pipe without the means to seek, as PyAV takes it."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, count: int) -> bytes:
        return self._stream.read(count)

    def close(self) -> None:
        """Close the pipe."""
        self._stream.close()


class AvDecoder(Decoder):
    """The first audio stream of a file, through PyAV.

    Parameters
    ----------
    file
        Open, closed with this.
    """

    def __init__(self, file: IO[bytes] | _Forward) -> None:
        av = importlib.import_module("av")
        av.logging.set_level(None)
        self._errors = (av.error.FFmpegError, ValueError, OSError, MemoryError)
        self._file = file
        self._container: Any = None
        try:
            self._container = av.open(file, options={"protocol_whitelist": "none"})
            audio = self._container.streams.audio
            if not audio:
                raise NotSound("no sound in it")
            stream = audio[0]
            if stream.codec_context is None:
                raise NotSound("a coding that is not known")
            self.rate_hz, self.channels = int(stream.codec_context.sample_rate), 0
            self._frames_of = self._decode(av, stream)
            self._held: Frames | None = next(self._frames_of, None)
        except self._errors as error:
            self.close()
            raise NotSound(_words(error)) from None
        except NotSound:
            self.close()
            raise
        if self._held is None:
            self.close()
            raise NotSound("no sound that can be decoded")
        self.channels = self._held.shape[1]
        told = _TOLD.search(str(self._container.format.name))
        length_s = float(self._container.duration or 0) / 1e6
        self.frames = round(length_s * self.rate_hz) if told and length_s > 0 else None
        self.is_caf = told is not None and told[0] == "caf"
        self.done = 0

    def _decode(self, av: Any, stream: Any) -> Iterator[Frames]:
        """Frames as they are decoded; a damaged packet is left out, and noted."""
        resampler = av.AudioResampler(format="flt")
        for packet in self._container.demux(stream):
            try:
                decoded = packet.decode()
            except self._errors as error:
                self.trouble = f"damaged ({_words(error)})"
                continue
            for frame in decoded:
                if not self.channels:
                    self.rate_hz = int(frame.sample_rate)
                    self.channels = len(frame.layout.channels)
                if frame.sample_rate != self.rate_hz or (
                    len(frame.layout.channels) != self.channels
                ):
                    self.trouble = "its rate or its channels change midway"
                    return
                for part in resampler.resample(frame):
                    data = part.to_ndarray().reshape(-1, self.channels)
                    yield np.ascontiguousarray(data, np.float32)

    def read(self, count: int) -> Frames:
        parts: list[Frames] = []
        have = 0
        while have < min(count, SMALLEST):
            if self._held is None:
                break
            part, rest = self._held[: count - have], self._held[count - have :]
            parts.append(part)
            have += len(part)
            self._held = rest if len(rest) else self._next()
        self.done += have
        if not have:
            return self.none()
        if self._held is None:
            self._end()
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _next(self) -> Frames | None:
        try:
            return next(self._frames_of, None)
        except self._errors as error:
            self.trouble = f"damaged ({_words(error)})"
            return None

    def _end(self) -> None:
        self.trouble = self.trouble or _lacking(self)

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
        self._file.close()


class FfmpegDecoder(Decoder):
    """The first audio stream of a file, through the program ``ffmpeg``."""

    def __init__(self, path: Path) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
        command = [
            "ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-protocol_whitelist", "file,pipe",
            "-i", f"file:{os.fspath(path)}", "-map", "0:a:0", "-c:a", "pcm_f32le", "-f", "wav", "-",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            [os.fsencode(word) for word in command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._said,
        )  # fmt: skip
        out = cast(Readable, self._process.stdout)
        try:
            header = containers.parse(out)
        except containers.BadHeader:
            self.close()
            raise NotSound("no sound that can be decoded") from None
        form = header.coding or "f32le", header.rate_hz, header.channels
        self._pcm = PcmDecoder(out, *form, rereadable=True)
        self.rate_hz, self.channels = header.rate_hz, header.channels
        self.done, self._over = 0, False
        self.is_caf = False
        self.frames = self._promised()

    def read(self, count: int) -> Frames | Missing:
        out = self._pcm.read(min(count, SMALLEST))
        self.done += len(out)
        if not len(out) and not self._over:
            self._over = True
            self._end()
        return out

    def _text(self) -> str:
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace")

    def _promised(self) -> int | None:
        text = self._text()
        kind = re.search(r"^Input #0, ([^']*), from", text, re.MULTILINE)
        told = re.search(r"Duration: (\d+):(\d+):(\d+\.\d+)", text)
        if kind is None or told is None or not _TOLD.search(kind[1]):
            return None
        self.is_caf = kind[1] == "caf"
        hours, minutes, seconds = told.groups()
        length_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        return round(length_s * self.rate_hz)

    def _end(self) -> None:
        code = self._process.wait()
        self.trouble = _lacking(self)
        if not self.trouble and (
            code or re.search(r"(?i)error|invalid data|corrupt|truncat", self._text())
        ):
            self.trouble = f"damaged, {length_words(self.rate_hz, self.done, None)} could be read"

    def close(self) -> None:
        """End the program."""
        if self._process.poll() is None:
            self._process.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()
        self._said.close()


def _lacking(decoder: AvDecoder | FfmpegDecoder) -> str:
    """Say what a container promised and did not hold."""
    rate_hz, promised = decoder.rate_hz, decoder.frames
    slack = max(SHORT_S * rate_hz, CAF_PACKET if decoder.is_caf else 0)
    if promised is None and decoder.done < MPEG_FRAME:
        return "cut short within its first frame"
    if promised is None or decoder.done >= promised - slack:
        return ""
    return f"cut short or damaged, {length_words(rate_hz, decoder.done, promised)}"


def _words(error: BaseException) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:80].lower()
