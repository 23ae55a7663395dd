"""Which module reads a file: by its first bytes, and by its name only where they do not tell.

libsndfile first; WFDB, EDF, arrays and streams by modules of ours; the rest through FFmpeg, or a
word that names the extra to install.
"""

from __future__ import annotations

from pathlib import Path

from monitor.decoding import arrays, edf, media, pipe, sndfile, wfdb
from monitor.decoding.decoder import MAX_CHANNELS, NO_HINTS, RATES_HZ, Decoder, Hints
from monitor.decoding.sndfile import NotSound
from monitor.errors import InputError

MEDIA = frozenset(
    {".m4a", ".mp4", ".m4b", ".3gp", ".3g2", ".aac", ".wma", ".webm", ".weba", ".amr", ".mka"}
    | {".mov", ".wv", ".tta", ".ape"}
)
"""Read through FFmpeg."""

AUDIO = frozenset(
    {".wav", ".wave", ".rf64", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3"}
    | {".aif", ".aiff", ".aifc", ".au", ".snd", ".caf"}
)
"""Read through libsndfile."""

RECORDS = frozenset({".hea", ".edf", ".bdf", ".mat", ".npy"})
"""Read here; such a file may hold something else than sound."""


def open_decoder(path: Path, hints: Hints = NO_HINTS, ecg: bool = False) -> Decoder:
    """Open a file or a stream.

    Parameters
    ----------
    path
        ``-`` is standard input.
    hints
        What the file does not tell.
    ecg
        Open the electrocardiogram of a record instead of its sound.

    Raises
    ------
    InputError
        If it is missing, empty, no sound, or of a rate that cannot be.
    """
    try:
        decoder = _open(path, hints, ecg)
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except NotSound as error:
        raise InputError(f"{path}: {error}") from None
    low, high = (1, RATES_HZ[1]) if ecg else RATES_HZ
    if not low <= decoder.rate_hz <= high:
        decoder.close()
        raise InputError(f"{path}: rate {decoder.rate_hz} Hz is outside {low}–{high} Hz")
    if not 1 <= decoder.channels <= MAX_CHANNELS:
        decoder.close()
        raise InputError(f"{path}: its header tells of {decoder.channels} channels")
    return decoder


def _open(path: Path, hints: Hints, ecg: bool) -> Decoder:
    if pipe.is_stream(path):
        return pipe.open_stream(path, hints)
    if path.stat().st_size == 0:
        raise NotSound("empty file")
    with path.open("rb") as file:
        head = file.read(16)
    if hints.raw is not None:
        return pipe.open_stream(path, hints)
    suffix = path.suffix.lower()
    if suffix == ".hea":
        return wfdb.WfdbDecoder(path, ecg)
    if edf.is_edf(head):
        return edf.EdfDecoder(path, ecg)
    if head[:6] == b"\x93NUMPY":
        return arrays.open_npy(path, hints)
    if head[:6] == b"MATLAB" or suffix == ".mat":
        return arrays.open_mat(path, hints)
    if suffix == ".dat" and (header := path.with_suffix(".hea")).is_file():
        return wfdb.WfdbDecoder(header, ecg)
    try:
        return sndfile.open_file(path)
    except NotSound as first:
        return _other(path, suffix, head, str(first))


def _other(path: Path, suffix: str, head: bytes, why: str) -> Decoder:
    """Try FFmpeg on what libsndfile does not read."""
    named = suffix in MEDIA or head[4:8] == b"ftyp" or head[:5] in (b"#!AMR", b"\x1aE\xdf\xa3")
    if not media.available():
        if named:
            raise NotSound(f"this kind is read with FFmpeg: {media.EXTRA}")
        raise NotSound(_not_sound(suffix, why))
    try:
        return media.open_file(path)
    except NotSound as second:
        if head[4:8] == b"ftyp":
            raise NotSound(
                "cut short before its index was written (no moov): nothing in it can be decoded"
            ) from None
        if named:
            raise NotSound(f"not a sound file that can be read ({second})") from None
        raise NotSound(_not_sound(suffix, why)) from None


def _not_sound(suffix: str, why: str) -> str:
    if suffix in AUDIO and why.startswith("its header"):
        return f"not a sound file that can be read ({why})"
    return "not a sound file that can be read"
