"""One recording to one line, in whichever process asks.

The models are opened once per process and kept for as long as the settings stay the same. Within
one process recordings are judged one after the other: arithmetic that other threads share would
be no faster, and its rounding no longer sure.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec
from msgspec.structs import replace

from monitor.assembly import Models, open_models_once
from monitor.config.load import Settings
from monitor.errors import InputError, ModelError
from monitor.replay.batch import Options, replay_file
from monitor.replay.rows import Row, row_of
from monitor.text import clean

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
    """The name of a recording as it stands in the result."""
    return name.decode("utf-8", "backslashreplace")


def judge(task: Task) -> list[Row]:
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


def _one(folder: Path, raw: bytes, settings: Settings, models: Models) -> Row:
    path, name = folder / os.fsdecode(raw), shown(raw)
    try:
        summary = replay_file(path, settings, models, _PLAIN)
        return row_of(replace(summary, name=name), name)
    except InputError as error:
        # The folder may be mounted elsewhere on another machine: it is no part of the result.
        return Row(name=name, file=name, error=clean(str(error).replace(str(path), name)))
    except Exception as error:  # noqa: BLE001 - one recording must not stop a hundred thousand
        return Row(name=name, file=name, error=clean(f"{name}: the analysis failed: {error!r}"))
