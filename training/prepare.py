"""The monitor's own dsp chain over every recording, once: the window cache.

One float32 file holds the filtered sound of all recordings at 2 kHz end to end, ``index.json``
says where each begins and carries the manifest: a hash over the table, the sound files' names
and sizes and the version of the chain. A cache whose manifest differs is made anew; it is
written beside and renamed, so that a kill leaves either the old one or none.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import soundfile
from numpy.typing import NDArray

from dsp import chain
from dsp.stage import CHAIN_VERSION
from training.datasets import Recording
from training.errors import TrainingError

FORMAT = 1
"""Version of the cache's own layout."""
MARGIN = 5000
"""Silent samples after each recording, so that no window reads into the next."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Filtered sound of many recordings.

    Attributes
    ----------
    sound
        float32, all recordings end to end, each followed by MARGIN zeros (memory-mapped).
    start, length
        Where each recording lies, by name.
    refused
        Recordings that could not be read, with the reason.
    """

    sound: NDArray[np.float32]
    start: dict[str, int]
    length: dict[str, int]
    refused: dict[str, str]

    def of(self, name: str) -> NDArray[np.float32]:
        """Filtered sound of one recording, float32 [n]."""
        return self.sound[self.start[name] : self.start[name] + self.length[name]]


def cache_folder() -> Path:
    """Where caches live: the platform's cache folder, or ``APEXBEAT_CACHE``."""
    named = os.environ.get("APEXBEAT_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("apexbeat"))


def manifest(recordings: Sequence[Recording]) -> str:
    """Hash of all that the cache depends on."""
    digest = hashlib.sha256(f"{FORMAT}/{CHAIN_VERSION}".encode())
    for r in recordings:
        size = r.path.stat().st_size if r.path.is_file() else -1
        digest.update(f"{r.name}:{size}\n".encode())
    return digest.hexdigest()


def prepare(
    name: str,
    recordings: Sequence[Recording],
    *,
    folder: Path | None = None,
    progress: Callable[[Iterable[Recording]], Iterable[Recording]] = iter,
    read: Callable[[Recording], NDArray[np.float32]] | None = None,
) -> Prepared:
    """Return the filtered sound of all recordings, from the cache or computed now.

    Parameters
    ----------
    name
        Name of the cache, one for each public set.
    progress
        Wraps the loop (a progress bar).
    read
        Filtered sound of a recording; by default `read_sound`.

    Raises
    ------
    TrainingError
        If there is no recording at all, or the cache cannot be written.
    """
    if not recordings:
        raise TrainingError(f"{name} holds no recording", "check the folder")
    target = (folder or cache_folder()) / "prepared" / name
    key = manifest(recordings)
    index = target / "index.json"
    if index.is_file() and json.loads(index.read_text())["manifest"] == key:
        return _open(target)
    try:
        return _make(target, key, recordings, progress, read or read_sound)
    except OSError as error:
        shutil.rmtree(target.with_suffix(".part"), ignore_errors=True)
        raise TrainingError(
            f"the cache {target} cannot be written ({error})", "free space or set APEXBEAT_CACHE"
        ) from error


def read_sound(recording: Recording) -> NDArray[np.float32]:
    """One recording through the chain, float32 [n] at 2 kHz.

    Raises
    ------
    TrainingError
        If the file is missing or is no sound.
    """
    try:
        sound, rate = soundfile.read(recording.path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise TrainingError(f"{recording.path} cannot be read as sound ({error})") from error
    return chain.process(sound, rate).astype(np.float32)


def _make(
    target: Path,
    key: str,
    recordings: Sequence[Recording],
    progress: Callable[[Iterable[Recording]], Iterable[Recording]],
    read: Callable[[Recording], NDArray[np.float32]],
) -> Prepared:
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    start: dict[str, int] = {}
    length: dict[str, int] = {}
    refused: dict[str, str] = {}
    position = 0
    with (part / "sound.f32").open("wb") as file:
        for r in progress(recordings):
            try:
                sound = read(r)
            except TrainingError as error:
                refused[r.name] = str(error)
                continue
            start[r.name], length[r.name] = position, sound.size
            file.write(sound.tobytes())
            file.write(np.zeros(MARGIN, np.float32).tobytes())
            position += sound.size + MARGIN
    if not start:
        raise TrainingError(f"none of {len(recordings)} recordings can be read")
    content = {"manifest": key, "start": start, "length": length, "refused": refused}
    (part / "index.json").write_text(json.dumps(content))
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return _open(target)


def _open(target: Path) -> Prepared:
    index = json.loads((target / "index.json").read_text())
    sound = np.memmap(target / "sound.f32", dtype=np.float32, mode="r")
    return Prepared(sound, index["start"], index["length"], index["refused"])
