"""The models that ship with the package, and the hashes they are pinned to.

``import models.shipped`` loads no torch.
"""

from __future__ import annotations

import io
import json
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import ModelRefused, checked_bytes
from models.engine import Engine
from models.opening import best_suffix, open_file

STUDENTS = ("student", "light")
"""Students that ship; the first is the default, the second the one of fewest multiply-adds."""
STUDENT = "student.pt"
CYCLES = "cycles.npz"
PINS = "shipped.json"


@cache
def pins() -> dict[str, str]:
    """sha256 of each shipped file, by file name."""
    text = files(__name__).joinpath(PINS).read_text(encoding="utf-8")
    return dict(json.loads(text))


def path_of(name: str) -> Path:
    """Path of a shipped file (the wheel is installed as plain files)."""
    with as_file(files(__name__).joinpath(name)) as path:
        return path


def student(name: str = STUDENTS[0]) -> Engine:
    """Open a shipped student, by ONNX Runtime where it is installed, else by torch.

    Raises
    ------
    ModelRefused
        If the file is not the one that was shipped, or no engine is installed.
    """
    file = name + best_suffix()
    return open_file(path_of(file), _pin(file))


def cycles_arrays() -> dict[str, NDArray[Any]]:
    """Parameters of the cycle decoder, by name.

    Raises
    ------
    ModelRefused
        If the file is not the one that was shipped.
    """
    content = checked_bytes(path_of(CYCLES), _pin(CYCLES))
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def card(name: str) -> dict[str, Any]:
    """Card (JSON) of a shipped model file."""
    text = path_of(name).with_suffix(".json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def _pin(name: str) -> str:
    pin = pins().get(name)
    if pin is None:
        raise ModelRefused(f"{name} is not pinned in {PINS}", "install the package again")
    return pin
