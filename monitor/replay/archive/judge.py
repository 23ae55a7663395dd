"""One recording to one line, in whichever process asks.

The models are opened once per process and kept for as long as the settings stay the same. Within
one process recordings are judged one after the other: arithmetic that other threads share would
be no faster, and its rounding no longer sure.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import msgspec
from msgspec.structs import replace

from monitor.assembly import Models, open_models_once
from monitor.config.load import Settings
from monitor.decoding.sndfile import NotSound
from monitor.decoding.wfdb import sound_files
from monitor.errors import InputError, ModelError
from monitor.regular_file import check_regular
from monitor.replay.archive.result import Line
from monitor.replay.batch import Options, replay_file
from monitor.replay.rows import Row, row_of
from monitor.text import clean

PIECE = 2**20

_lock = threading.Lock()

_PLAIN = Options()


class Task(msgspec.Struct, frozen=True):
    """What a worker needs to know.

    Attributes
    ----------
    settings
        As JSON.
    hashes
        Of the models.
    folder, names
        Paths as the system has them (`os.fsencode`), which need not be UTF-8.
    """

    settings: bytes
    hashes: dict[str, str]
    folder: bytes
    names: list[bytes]


def shown(name: bytes) -> str:
    """Name of a recording as the result has it; no two recordings share one.

    A byte that is not valid UTF-8 is written as ``\\xff``, a backslash as two.
    """
    return name.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def fingerprint(path: Path) -> str | None:
    """SHA-256 of a recording, with the files that its header names; None if it cannot be read."""
    digest = hashlib.sha256()
    try:
        names = sound_files(path) if path.suffix.lower() == ".hea" else []
        for part in (path, *names):
            check_regular(part)
            with part.open("rb") as file:
                while data := file.read(PIECE):
                    digest.update(data)
    except (OSError, NotSound):
        return None
    return digest.hexdigest()


def judge(task: Task) -> list[Line]:
    """Judge the recordings of a task, in order.

    Raises
    ------
    ModelError
        If the models of this worker are refused, or are not those of whoever asked.
    """
    with _lock:
        settings = msgspec.json.decode(task.settings, type=Settings)
        models = open_models_once(settings)
        if models.hashes != task.hashes:
            raise ModelError(
                "a worker has other models than this machine",
                "install the same version of apexbeat on all of them",
            )
        folder = Path(os.fsdecode(task.folder))
        return [_one(folder, name, settings, models) for name in task.names]


def judge_encoded(task: bytes) -> bytes:
    """`judge` for a cluster: bytes in and out, so that nothing of ours is pickled."""
    return msgspec.json.encode(judge(msgspec.json.decode(task, type=Task)))


def _one(folder: Path, raw: bytes, settings: Settings, models: Models) -> Line:
    path, name = folder / os.fsdecode(raw), shown(raw)
    row = _judged(path, name, settings, models)
    return Line(**msgspec.structs.asdict(row), sha256=fingerprint(path))


def killer(folder: bytes, raw: bytes, who: str) -> Line:
    """The line of a recording over which a process died whenever it was tried."""
    name = shown(raw)
    known = fingerprint(Path(os.fsdecode(folder)) / os.fsdecode(raw))
    why = f"{name}: its {who} died, each time it was tried"
    return Line(name=name, file=name, error=why, sha256=known)


def _judged(path: Path, name: str, settings: Settings, models: Models) -> Row:
    try:
        summary = replay_file(path, settings, models, _PLAIN)
        return row_of(replace(summary, name=name), name)
    except InputError as error:
        # The folder may be mounted elsewhere on another machine: it is no part of the result.
        return Row(name=name, file=name, error=clean(str(error).replace(str(path), name)))
    except Exception as error:  # noqa: BLE001 - one recording must not stop a hundred thousand
        return Row(name=name, file=name, error=clean(f"{name}: the analysis failed: {error!r}"))
