"""What is fuzzed: seeds of each kind, and the judge that reads a file of it as the product does.

A judge returns ``fine`` or ``refused: …`` and raises whatever the product would have let through.
"""

from __future__ import annotations

import importlib.util
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import soundfile
from fuzz_forks import Case, Judge
from fuzz_mutate import mutate

from dsp.phantom import PRESETS, PhantomStream
from monitor import events as ev
from monitor.config.load import Settings
from monitor.errors import ApexbeatError

if TYPE_CHECKING:
    from monitor.capture.files import FileSource

FORMATS: dict[str, tuple[str, str, int, int]] = {
    "pcm16.wav": ("WAV", "PCM_16", 4000, 1),
    "pcm24.wav": ("WAV", "PCM_24", 8000, 2),
    "float.wav": ("WAV", "FLOAT", 2000, 1),
    "ulaw.wav": ("WAV", "ULAW", 8000, 1),
    "adpcm.wav": ("WAV", "IMA_ADPCM", 8000, 1),
    "wavex.wav": ("WAVEX", "PCM_16", 4000, 2),
    "pcm16.flac": ("FLAC", "PCM_16", 4000, 1),
    "pcm24.flac": ("FLAC", "PCM_24", 8000, 2),
    "vorbis.ogg": ("OGG", "VORBIS", 8000, 1),
    "opus.ogg": ("OGG", "OPUS", 8000, 1),
    "pcm16.aiff": ("AIFF", "PCM_16", 4000, 1),
    "float.aiff": ("AIFF", "FLOAT", 4000, 2),
    "pcm16.au": ("AU", "PCM_16", 4000, 1),
    "pcm16.caf": ("CAF", "PCM_16", 4000, 1),
    "float.caf": ("CAF", "FLOAT", 4000, 2),
    "pcm16.w64": ("W64", "PCM_16", 4000, 1),
    "pcm16.rf64": ("RF64", "PCM_16", 4000, 1),
    "float.au": ("AU", "FLOAT", 4000, 2),
    "mpeg.mp3": ("MP3", "MPEG_LAYER_III", 16_000, 1),
}
SEED_S = 1.5
CUT_S = 0.1
"""An encoder's delay, and the last packet: less than this may lack."""


@dataclass(frozen=True)
class Kind:
    """One kind of input: seeds by name, and its judge."""

    seeds: dict[str, bytes]
    judge: Judge
    damage: Callable[[bytes, np.random.Generator, bytes], bytes] = mutate

    def cases(self, count: int, seed: int) -> list[Case]:
        """Mutated seeds; the name of a case is enough to make it again."""
        names = sorted(self.seeds)
        out = []
        for k in range(count):
            rng = np.random.default_rng([seed, k])
            name = names[k % len(names)]
            other = self.seeds[names[int(rng.integers(len(names)))]]
            out.append(Case(f"{seed}-{k}-{name}", self.damage(self.seeds[name], rng, other)))
        return out


def _gaps(source: FileSource) -> bool:
    """Whether its warnings are of dropouts, which lack nothing."""
    return all("dropout" in words for words in source.warnings)


def one_line(error: Exception) -> str:
    """Return the refusal, if it is one line that a person can read.

    Raises
    ------
    AssertionError
        If it is not.
    """
    from monitor.text import harmless

    words = harmless(str(error), limit=400)
    if len(str(error).splitlines()) != 1 or not words.strip():
        raise AssertionError(f"not one line: {words!r}")
    return f"refused: {words}"


# ------------------------------------------------------------ audio


def audio() -> Kind:
    """Sound of every format, read as `replay` reads it, through the whole pipeline."""
    from dsp.cycles.model import CycleModel
    from models import shipped

    cycles = CycleModel.from_arrays(shipped.cycles_arrays())

    def judge(path: Path) -> str:
        from monitor.analysis.pipeline import Pipeline
        from monitor.capture.files import FileSource

        try:
            with FileSource(path) as source:
                pipeline = Pipeline(
                    Settings(), None, cycles, source.name, source.rate_hz, source.channels
                )
                heard_s = 0.0
                for block in source:
                    pipeline.push(block)
                    if isinstance(block, ev.Block):
                        heard_s += len(block.samples) / block.rate_hz
                    if heard_s > 60:
                        break  # a header may promise hours of silence
                else:
                    if source.complete == bool(source.warnings) and not _gaps(source):
                        raise AssertionError("not complete, and no word about it, or both")
                pipeline.finish(source.complete)
        except ApexbeatError as error:
            return one_line(error)
        return "fine"

    return Kind(audio_seeds(), judge)


def cut() -> Kind:
    """Sound of every format with its end missing: never said to be complete.

    The same for records and arrays, and for what FFmpeg writes where that is here.
    """
    from monitor.capture.files import FileSource
    from monitor.decoding.decoder import Hints
    from monitor.events import Block

    def judge(path: Path) -> str:
        try:
            with FileSource(path, hints=Hints(rate_hz=4000)) as source:
                frames = sum(len(b.samples) for b in source if isinstance(b, Block))
                heard_s = frames / source.rate_hz
                if source.complete and heard_s < SEED_S - CUT_S:
                    raise AssertionError(f"{heard_s:.3f} s are said to be complete")
                if source.complete:
                    return "whole"
                if len(source.warnings) != 1:
                    raise AssertionError(f"{len(source.warnings)} warnings")
                return "incomplete"
        except ApexbeatError as error:
            return one_line(error)

    return Kind({**audio_seeds(), **array_seeds(), **media_seeds()}, judge, cuts)


def cuts(content: bytes, rng: np.random.Generator, other: bytes) -> bytes:
    """Take away the end: anything from a byte to nearly all, or leave a hole that ends it."""
    at = int(rng.integers(1, len(content)))
    if rng.random() < 0.2:
        at = len(content) - int(rng.integers(1, min(200, len(content))))
    return content[:at]


def array_seeds() -> dict[str, bytes]:
    """The phantom as arrays and as EDF, written by numpy, scipy and edfio."""
    from scipy.io import savemat

    sound = PhantomStream(PRESETS["murmur"], 4000).read(round(SEED_S * 4000))
    array, matrix = io.BytesIO(), io.BytesIO()
    np.save(array, sound.astype(np.float32))
    savemat(matrix, {"PCG": sound, "fs": 4000.0})
    seeds = {"float.npy": array.getvalue(), "plain.mat": matrix.getvalue()}
    if importlib.util.find_spec("edfio"):
        import edfio

        signal = edfio.EdfSignal(sound, 4000, label="PCG", physical_range=(-2, 2))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.edf"
            edfio.Edf([signal], data_record_duration=0.1).write(path)
            seeds["pcg.edf"] = path.read_bytes()
    return seeds


def media_seeds() -> dict[str, bytes]:
    """The phantom as FFmpeg writes it, in containers that tell their length."""
    if not shutil.which("ffmpeg"):
        return {}
    sound = PhantomStream(PRESETS["murmur"], 16_000).read(round(SEED_S * 16_000))
    seeds = {}
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "a.wav"
        soundfile.write(wav, np.clip(sound, -1, 1), 16_000)
        for name in ("aac.m4a", "aac.3gp", "flac.mka"):
            path = Path(folder) / name
            call = ["ffmpeg", "-y", "-v", "error", "-i", str(wav), str(path)]
            if not subprocess.run(call, capture_output=True).returncode:
                seeds[name] = path.read_bytes()
    return seeds


def audio_seeds() -> dict[str, bytes]:
    """One short phantom in every format that the library writes."""
    seeds = {}
    for name, (container, subtype, rate_hz, channels) in FORMATS.items():
        if container not in soundfile.available_formats():
            continue
        if not soundfile.check_format(container, subtype):
            continue
        sound = PhantomStream(PRESETS["murmur"], rate_hz).read(round(SEED_S * rate_hz))
        buffer = io.BytesIO()
        frames = np.clip(np.repeat(sound[:, None], channels, axis=1), -1, 1)
        soundfile.write(buffer, frames, rate_hz, format=container, subtype=subtype)
        seeds[name] = buffer.getvalue()
    return seeds


# ------------------------------------------------------------ settings


def settings() -> Kind:
    """Settings files."""
    import tomlkit

    from monitor.config.load import load

    everything = tomlkit.dumps(_without_none(msgspec.to_builtins(Settings())))
    few = '[alarms]\ntachycardia = 110.0\n[analysis]\nchannel = 1\n[record]\nsound = "raw"\n'
    odd = "[alarms]\ntachycardia = nan\nbradycardia = inf\n[verdict]\nwindows = -3\n"
    seeds = {"all.toml": everything.encode(), "few.toml": few.encode(), "odd.toml": odd.encode()}

    def judge(path: Path) -> str:
        try:
            load(path)
        except ApexbeatError as error:
            return one_line(error)
        return "fine"

    return Kind(seeds, judge)


def _without_none(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value


# ------------------------------------------------------------ event files, link messages


def events(folder: Path) -> Kind:
    """Event files, read and given to the exports' model."""
    from monitor.record.eventfile import read

    golden = folder / "tests" / "golden"
    seeds = {}
    for path in sorted(golden.glob("*.jsonl"))[:4]:
        lines = path.read_bytes().splitlines(keepends=True)
        seeds[path.name] = b"".join(lines[:12] + lines[-3:])

    def judge(path: Path) -> str:
        try:
            for _ in read(path):
                pass
        except ApexbeatError as error:
            return one_line(error)
        return "fine"

    return Kind(seeds, judge)


def link() -> Kind:
    """Bytes on the link's socket, both ways, cut anywhere."""
    from monitor.link.frames import Decoder, LinkError, encode
    from monitor.link.messages import EventLine, FromCore, FromScreen, Hello
    from monitor.link.requests import AddMark, SetLimits

    core = encode(Hello(link=1, software="apexbeat", pid=1, sessions=["s"]))
    beat = ev.Beat(index=9, s1=1, systole=2, s2=3, diastole=4, end=5, confidence=0.5)
    core += encode(EventLine(session="s", seq=1, event=beat))
    screen = encode(AddMark(id=1, session="s", note="cough"))
    screen += encode(SetLimits(id=2, session="s", limits={"tachycardia": 100.0}))
    seeds = {"screen.bin": screen, "core.bin": core}

    def judge(path: Path) -> str:
        content = path.read_bytes()
        words = "fine"
        for kind in (FromCore, FromScreen):
            decoder: Decoder[object] = Decoder(kind, 2**20)
            try:
                for at in range(0, len(content), 7):
                    for _ in decoder.feed(content[at : at + 7]):
                        pass
            except LinkError as error:
                words = one_line(error)
        return words

    return Kind(seeds, judge)


# ------------------------------------------------------------ model files


def models() -> Kind:
    """Student files, damaged, but with the hash of what is there: the worst that a user can do."""
    import hashlib

    from models import shipped
    from models.contract import ModelRefused
    from models.engine_torchscript import open_model

    seeds = {"student.pt": shipped.path_of(shipped.STUDENT).read_bytes()}

    def judge(path: Path) -> str:
        content = path.read_bytes()
        trusted = hashlib.sha256(content).hexdigest()
        pinned = shipped.pins()[shipped.STUDENT]
        try:
            open_model(path, pinned)
        except ModelRefused as refused:
            words = one_line(refused)
            if "sha256" not in words and "empty" not in words:
                raise AssertionError(f"not refused by its hash: {words}") from None
        else:
            assert trusted == pinned, "a damaged file was opened under the pinned hash"
        try:
            open_model(path, trusted)
        except ModelRefused as refused:
            return one_line(refused)
        return "fine"

    return Kind(seeds, judge)
