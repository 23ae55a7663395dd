"""Every format, written by other programs and read here: the same heart as in the WAV.

What is lossy is compared with what the program that made it decodes itself; a format whose
program is not here is skipped, visibly. With APEXBEAT_FIGURES=FOLDER the table of the manual is
written there (``formats.json``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import field_files as ff
import numpy as np
import pytest
import soundfile as sf
from scipy.signal import resample_poly

from monitor.analysis.summary import Summary
from monitor.config.load import Settings
from monitor.decoding import media
from monitor.decoding.decoder import NO_HINTS, Hints
from monitor.replay.batch import Options, replay_file

SECONDS = 20.0
P, BEATS = 0.005, 1


@dataclass(frozen=True)
class Format:
    """One row of the table: how it is written, and what must be installed to read it."""

    name: str
    suffix: str
    tool: str
    write: Callable[[Path, Path], None]
    rate_hz: int = 4000
    lossy: bool = False
    reader: str = "built in"
    hints: Hints = NO_HINTS


def ffmpeg(*options: str) -> Callable[[Path, Path], None]:
    def write(wav: Path, path: Path) -> None:
        call = ["ffmpeg", "-y", "-v", "error", "-i", str(wav), *options, str(path)]
        done = subprocess.run(call, capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"this ffmpeg does not write it: {done.stderr.strip()[-80:]}")

    return write


def sox(*options: str) -> Callable[[Path, Path], None]:
    def write(wav: Path, path: Path) -> None:
        done = subprocess.run(["sox", str(wav), *options, str(path)], capture_output=True)
        if done.returncode:
            pytest.skip(f"this sox does not write it: {done.stderr.decode()[-80:]}")

    return write


def flac(wav: Path, path: Path) -> None:
    subprocess.run(["flac", "-s", "-f", "-o", str(path), str(wav)], check=True)


def wfdb_record(wav: Path, path: Path) -> None:
    import wfdb

    sound, rate = sf.read(wav)
    wfdb.wrsamp(path.stem, fs=rate, units=["mV"], sig_name=["PCG"], p_signal=sound[:, None],
                fmt=["16"], write_dir=str(path.parent))  # fmt: skip


def wfdb_212(wav: Path, path: Path) -> None:
    import wfdb

    sound, rate = sf.read(wav)
    wfdb.wrsamp(path.stem, fs=rate, units=["mV", "mV"], sig_name=["ECG", "PCG"],
                p_signal=np.stack([0 * sound, sound], axis=1), fmt=["212", "212"],
                write_dir=str(path.parent))  # fmt: skip


def pyedf(kind: str) -> Callable[[Path, Path], None]:
    def write(wav: Path, path: Path) -> None:
        import pyedflib

        sound, rate = sf.read(wav)
        edges = (2**15, 2**15 - 1) if kind == "EDF" else (2**23, 2**23 - 1)
        types = {"EDF": pyedflib.FILETYPE_EDFPLUS, "BDF": pyedflib.FILETYPE_BDFPLUS}
        head = {"dimension": "mV", "physical_max": 1.0, "physical_min": -1.0,
                "digital_max": edges[1], "digital_min": -edges[0], "transducer": "",
                "prefilter": ""}  # fmt: skip
        writer = pyedflib.EdfWriter(str(path), 2, file_type=types[kind])
        writer.setSignalHeaders([
            {"label": "ECG", "sample_frequency": 500, **head},
            {"label": "Phono", "sample_frequency": rate, **head},
        ])  # fmt: skip
        writer.writeSamples([np.zeros(len(sound) * 500 // rate), sound])
        writer.close()

    return write


def matlab(wav: Path, path: Path) -> None:
    from scipy.io import savemat

    sound, rate = sf.read(wav, dtype="int16")
    savemat(path, {"PCG": sound, "fs": float(rate)}, do_compression=True)


def numpy_array(wav: Path, path: Path) -> None:
    np.save(path, sf.read(wav, dtype="float32")[0])


MEDIA = "extra `media`, or ffmpeg"
FORMATS = [
    Format("WAV, 16 bits", "wav", "sox", sox("-b", "16")),
    Format("WAV, 24 bits", "wav", "sox", sox("-b", "24")),
    Format("WAV, 32 bits", "wav", "sox", sox("-b", "32")),
    Format("WAV, float", "wav", "sox", sox("-b", "32", "-e", "floating-point")),
    Format("WAV, µ-law", "wav", "sox", sox("-e", "mu-law"), lossy=True),
    Format("WAV, A-law", "wav", "sox", sox("-e", "a-law"), lossy=True),
    Format("WAV, IMA ADPCM", "wav", "sox", sox("-e", "ima-adpcm"), lossy=True),
    Format("RF64", "wav", "ffmpeg", ffmpeg("-rf64", "always")),
    Format("W64", "w64", "ffmpeg", ffmpeg()),
    Format("FLAC", "flac", "flac", flac),
    Format("AIFF", "aiff", "sox", sox()),
    Format("AIFF-C", "aifc", "sox", sox()),
    Format("AU", "au", "sox", sox()),
    Format("CAF", "caf", "ffmpeg", ffmpeg("-c:a", "pcm_s16le")),
    Format("CAF, ALAC", "caf", "ffmpeg", ffmpeg("-c:a", "alac")),
    Format("Ogg Vorbis", "ogg", "ffmpeg", ffmpeg("-c:a", "libvorbis", "-q:a", "6"), 16_000, True),
    Format("Ogg Opus", "opus", "ffmpeg", ffmpeg("-c:a", "libopus", "-b:a", "64k"), 48_000, True),
    Format("MP3", "mp3", "ffmpeg", ffmpeg("-b:a", "128k"), 44_100, True),
    Format("M4A, AAC", "m4a", "ffmpeg", ffmpeg("-c:a", "aac", "-b:a", "96k"), 44_100, True, MEDIA),
    Format("M4A, ALAC", "m4a", "ffmpeg", ffmpeg("-c:a", "alac"), 44_100, False, MEDIA),
    Format("MP4", "mp4", "ffmpeg", ffmpeg("-c:a", "aac", "-b:a", "96k"), 44_100, True, MEDIA),
    Format("3GP", "3gp", "ffmpeg", ffmpeg("-c:a", "aac", "-b:a", "96k"), 44_100, True, MEDIA),
    Format("AAC", "aac", "ffmpeg", ffmpeg("-c:a", "aac", "-b:a", "96k"), 44_100, True, MEDIA),
    Format("AMR", "amr", "sox", sox("-t", "amr-nb"), 8000, True, MEDIA),
    Format("WMA", "wma", "ffmpeg", ffmpeg("-c:a", "wmav2", "-b:a", "96k"), 44_100, True, MEDIA),
    Format("WebM, Opus", "webm", "ffmpeg", ffmpeg("-c:a", "libopus"), 48_000, True, MEDIA),
    Format("Matroska, FLAC", "mka", "ffmpeg", ffmpeg("-c:a", "flac"), 4000, False, MEDIA),
    Format("WavPack", "wv", "ffmpeg", ffmpeg(), 4000, False, MEDIA),
    Format("WFDB, format 16", "hea", "wfdb", wfdb_record),
    Format("WFDB, format 212, beside an ECG", "hea", "wfdb", wfdb_212),
    Format("EDF+, beside an ECG", "edf", "pyedflib", pyedf("EDF")),
    Format("BDF+, beside an ECG", "bdf", "pyedflib", pyedf("BDF")),
    Format("MATLAB .mat with fs", "mat", "scipy", matlab),
    Format("NumPy .npy with --rate", "npy", "numpy", numpy_array, hints=Hints(rate_hz=4000)),
]  # fmt: skip
LIBRARIES = {"wfdb", "pyedflib", "scipy", "numpy", "soundfile"}
rows: dict[str, dict[str, object]] = {}


@pytest.fixture(scope="module")
def heard(models):
    """Hears a file, through the whole monitor."""

    def hear(path: Path, hints: Hints = NO_HINTS) -> Summary:
        return replay_file(path, Settings(), models, Options(hints=hints))

    return hear


@pytest.fixture(scope="module")
def original(heard, tmp_path_factory):
    """The heart as a WAV of some rate, and what is said of it."""
    folder = tmp_path_factory.mktemp("original")

    @cache
    def made(rate_hz: int) -> tuple[Path, Summary]:
        sound = ff.heart(7, SECONDS, 4000).sound
        wav = folder / f"{rate_hz}.wav"
        sf.write(wav, resample_poly(sound, rate_hz, 4000) if rate_hz != 4000 else sound, rate_hz)
        return wav, heard(wav)

    return made


@pytest.fixture(scope="module", autouse=True)
def figures():
    """Keep the table, where one is asked for."""
    yield
    folder = os.environ.get("APEXBEAT_FIGURES")
    if folder and rows:
        ordered = [rows[one.name] for one in FORMATS if one.name in rows]
        path = Path(folder) / "formats.json"
        command = "APEXBEAT_FIGURES=docs/results pytest tests/decoding/test_formats.py"
        text = json.dumps({"command": command, "seconds": SECONDS, "formats": ordered}, indent=1)
        path.write_text(text + "\n", encoding="utf-8")


def needed(one: Format) -> None:
    if one.tool in LIBRARIES:
        pytest.importorskip(one.tool)
    elif shutil.which(one.tool) is None:
        pytest.skip(f"{one.tool} is not here")
    if one.reader == MEDIA and not media.available():
        pytest.skip("neither PyAV nor ffmpeg is here")


def decoded(one: Format, path: Path, folder: Path) -> Path:
    """What the program itself decodes from a lossy file."""
    wav = folder / "decoded.wav"
    if one.reader == MEDIA or one.tool == "ffmpeg":
        call = ["ffmpeg", "-y", "-v", "error", "-i", str(path), "-c:a", "pcm_f32le", str(wav)]
    else:
        call = ["sox", str(path), "-b", "16", "-e", "signed", str(wav)]
    subprocess.run(call, check=True, capture_output=True)
    return wav


@pytest.mark.parametrize("one", FORMATS, ids=[one.name for one in FORMATS])
def test_a_format_is_heard_as_its_wav(one: Format, heard, original, tmp_path):
    needed(one)
    wav, before = original(one.rate_hz)
    path = tmp_path / f"file.{one.suffix}"
    one.write(wav, path)
    assert path.is_file()
    found = heard(path, one.hints)
    reference = heard(decoded(one, path, tmp_path)) if one.lossy else before
    assert found.complete, found.warnings
    assert found.duration_s == pytest.approx(SECONDS, abs=0.2)
    assert found.verdict.p is not None
    assert reference.verdict.p is not None
    assert before.verdict.p is not None
    assert abs(found.beats - reference.beats) <= BEATS
    assert abs(found.beats - before.beats) <= BEATS
    assert abs(found.verdict.p - reference.verdict.p) <= P
    rows[one.name] = {
        "format": one.name, "suffix": path.suffix, "written by": one.tool, "read": one.reader,
        "beats": found.beats, "beats of the WAV": before.beats,
        "p": found.verdict.p, "p of the WAV": reference.verdict.p,
        "p before coding": before.verdict.p if one.lossy else None,
    }  # fmt: skip
