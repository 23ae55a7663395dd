"""The student file: one TorchScript archive that says what it is and proves it.

``contract.json`` inside the archive holds every setting, the calibration and a reference window
with its expected output. ``write`` makes such a file, ``read_bytes`` and ``verify`` refuse one
that is off in any way. Loading a foreign TorchScript file can run code, so the sha256 of the whole
file is compared with a trusted one *before* torch sees a byte of it.

| caller | function |
|---|---|
| training/export | ``write`` |
| models/engine_torchscript | ``checked_bytes``, ``parse``, ``check_reference`` |
| monitor, cli | ``read_card`` (sha256 of a user's own model, from the card beside it) |
"""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

EXTRA_FILE = "contract.json"
SCHEMA = 1
LARGEST_FILE = 8 * 1024 * 1024
"""Bytes; a student is 0.3 MB."""
TOLERANCE = 1e-4
"""Largest difference of a reference logit: other processors round otherwise."""
SAMPLES = 5000
RATE_HZ = 2000

Window = Literal["full", "cycle"]


class ModelRefused(Exception):
    """A model file is not what it must be; one line: what, where, what to do."""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}" if remedy else what)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a model file promises.

    Attributes
    ----------
    schema, name, version
        Of this structure; of the model.
    trained_on, split, distilled_from
        Words for the card; ``distilled_from`` is None for a student that had no teacher.
    window
        ``full``: 2.5 s from each S1. ``cycle``: one cycle, zero-padded.
    chain_version
        Version of the dsp chain it was trained on.
    mfcc
        Every setting of the front end.
    calibration_temperature, bias
        p = sigmoid((z1 - z0 - bias) / calibration_temperature).
    threshold_normal, threshold_abnormal
        Probabilities: mean logit(p) at or below the first's logit is normal, at or above the
        second's abnormal, between them unsure.
    parameters, multiply_adds, front_end_multiply_adds
        Of the network, and of the front end, for one window.
    weights_sha256
        Over all parameters and buffers.
    reference_window, reference_logits
        float32 little-endian [5000] in base64, and the two logits expected for it.
    figures
        Held-out figures for the card.
    """

    name: str
    version: str
    trained_on: str
    split: str
    distilled_from: str | None
    window: Window
    chain_version: str
    mfcc: dict[str, Any]
    calibration_temperature: float
    bias: float
    threshold_normal: float
    threshold_abnormal: float
    parameters: int
    multiply_adds: int
    front_end_multiply_adds: int
    weights_sha256: str
    reference_window: str
    reference_logits: tuple[float, float]
    figures: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    def to_json(self) -> str:
        """The content of ``contract.json``."""
        return json.dumps(asdict(self), indent=1)

    def card(self) -> dict[str, Any]:
        """The same without the reference window, for a card beside the file."""
        return {k: v for k, v in asdict(self).items() if not k.startswith("reference_")}

    def reference(self) -> NDArray[np.float32]:
        """The reference window, float32 [5000]."""
        raw = base64.b64decode(self.reference_window, validate=True)
        return np.frombuffer(raw, dtype="<f4").astype(np.float32)


_FLOATS = ("calibration_temperature", "bias", "threshold_normal", "threshold_abnormal")
_TEXTS = ("name", "version", "trained_on", "split", "chain_version", "weights_sha256")
_COUNTS = ("parameters", "multiply_adds", "front_end_multiply_adds")


def parse(text: str | bytes) -> Contract:
    """Read and check the contract.

    Raises
    ------
    ModelRefused
        If it is no JSON object, lacks or has a foreign key, or a value makes no sense.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelRefused(f"its {EXTRA_FILE} is no JSON ({error})") from error
    if not isinstance(content, dict):
        raise ModelRefused(f"its {EXTRA_FILE} is no JSON object")
    _check_keys(content)
    _check_values(content)
    content["reference_logits"] = tuple(content["reference_logits"])
    contract = Contract(**content)
    try:
        reference = contract.reference()
    except ValueError as error:
        raise ModelRefused(f"its reference window cannot be decoded ({error})") from error
    if reference.shape != (SAMPLES,) or not np.isfinite(reference).all():
        raise ModelRefused(f"its reference window has {reference.size} samples, not {SAMPLES}")
    return contract


def _check_keys(content: Mapping[str, Any]) -> None:
    known = {f.name for f in fields(Contract)}
    missing, foreign = known - content.keys(), content.keys() - known
    if missing or foreign:
        words = [f"lacks {', '.join(sorted(missing))}"] if missing else []
        words += [f"has the unknown key {', '.join(sorted(foreign))}"] if foreign else []
        raise ModelRefused(f"its contract {' and '.join(words)}")


def _check_values(content: Mapping[str, Any]) -> None:
    if content["schema"] != SCHEMA:
        raise ModelRefused(
            f"its contract has schema {content['schema']!r}, this version reads {SCHEMA}"
        )
    wrong = [k for k in _TEXTS if not isinstance(content[k], str)]
    wrong += [k for k in _FLOATS if not _is_number(content[k])]
    wrong += [k for k in _COUNTS if not isinstance(content[k], int) or content[k] < 0]
    wrong += [k for k in ("mfcc", "figures") if not isinstance(content[k], dict)]
    if not (content["distilled_from"] is None or isinstance(content["distilled_from"], str)):
        wrong.append("distilled_from")
    if content["window"] not in ("full", "cycle"):
        wrong.append("window")
    if not isinstance(content["reference_window"], str):
        wrong.append("reference_window")
    logits = content["reference_logits"]
    if not (isinstance(logits, list) and len(logits) == 2 and all(map(_is_number, logits))):
        wrong.append("reference_logits")
    if not wrong:
        low, high = content["threshold_normal"], content["threshold_abnormal"]
        if not 0 < low <= high < 1:
            wrong.append("thresholds")
        if content["calibration_temperature"] <= 0:
            wrong.append("calibration_temperature")
    if wrong:
        raise ModelRefused(f"its contract has a value that makes no sense: {', '.join(wrong)}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)


def checked_bytes(path: Path, sha256: str) -> bytes:
    """Read the file once and compare it with the pinned hash.

    The bytes returned are the bytes that were hashed: the file cannot be exchanged in between.

    Raises
    ------
    ModelRefused
        If it cannot be read, is empty or too large, or its sha256 is another.
    """
    try:
        content = _read(path, LARGEST_FILE + 1)
    except OSError as error:
        raise ModelRefused(f"model {path} cannot be read ({error.strerror})") from error
    if not content:
        raise ModelRefused(f"model {path} is empty")
    if len(content) > LARGEST_FILE:
        raise ModelRefused(f"model {path} is larger than {LARGEST_FILE // 2**20} MiB")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.strip().lower():
        raise ModelRefused(
            f"model {path} has sha256 {found[:12]}…, not the trusted {sha256[:12]}…",
            "restore the file, or give the right --sha256 if you trust it",
        )
    return content


def _read(path: Path, count: int) -> bytes:
    """The first bytes of a plain file; a FIFO or a device would be waited for, or never end."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        return file.read(count)


def read_card(path: Path) -> str:
    """Return the trusted sha256 of ``path`` from the card (JSON) beside it.

    Raises
    ------
    ModelRefused
        If there is no card or it holds no sha256.
    """
    card = path.with_name(f"{path.name}.json")
    if not card.is_file():
        card = path.with_suffix(".json")
    try:
        value = json.loads(_read(card, LARGEST_FILE))["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelRefused(
            f"model {path} has no trusted sha256", f"give --sha256 or a card {card.name} beside it"
        ) from error
    return str(value)


def encode_reference(window: NDArray[np.float32]) -> str:
    """The reference window as text."""
    return base64.b64encode(np.ascontiguousarray(window, dtype="<f4").tobytes()).decode("ascii")


def check_reference(contract: Contract, logits: NDArray[np.floating[Any]], path: Path) -> None:
    """Compare the logits of the reference window with the expected ones.

    Raises
    ------
    ModelRefused
        If one differs by more than TOLERANCE.
    """
    expected = np.asarray(contract.reference_logits)
    if logits.shape != (1, 2) or not np.isfinite(logits).all():
        raise ModelRefused(f"model {path} returns {logits.shape}, not finite logits [1, 2]")
    worst = float(np.abs(logits[0] - expected).max())
    if worst > TOLERANCE:
        raise ModelRefused(
            f"model {path} is {worst:.2g} beside its reference window",
            "this processor or torch computes otherwise: install the tested version",
        )
