"""The ONNX engine: the same model and contract where 0.9 GB of torch do not fit.

Needs ``onnxruntime`` (the extra ``onnx``) and no torch. The contract stands in the file's
metadata; size, sha256, operators, contract and reference window are checked as for TorchScript, and
all of it must be done within `OPEN_S`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contract import (
    EXTRA_FILE,
    Contract,
    ModelRefused,
    check_reference,
    checked_bytes,
    parse,
    read_card,
)
from models.engine import Opened, checked_windows, within
from models.onnx_file import check_onnx

INPUT, OUTPUT = "sound", "logits"
OPEN_S = 30.0
"""Seconds that opening a model and its first window may take; a student needs 0.1 s."""


class OnnxEngine(Opened):
    """A verified ONNX model. Make one with ``open_model``."""

    def __init__(self, session: Any, contract: Contract, sha256: str) -> None:
        super().__init__(contract, sha256)
        self._session = session

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw logits float32 [n, 2] of windows float32 [n, 5000], one window at a time."""
        windows = checked_windows(windows)
        out = np.empty((windows.shape[0], 2), np.float32)
        for i, window in enumerate(windows):
            out[i] = self._session.run([OUTPUT], {INPUT: window[None]})[0][0]
        return out


def open_model(path: Path | str, sha256: str | None = None) -> OnnxEngine:
    """Open and verify a model file.

    Raises
    ------
    ModelRefused
        If anything is off, or onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelRefused(
            "onnxruntime is not installed", "pip install 'apexbeat[onnx]'"
        ) from error
    path = Path(path)
    content = checked_bytes(path, sha256 if sha256 is not None else read_card(path))
    check_onnx(content, path)
    return within(OPEN_S, lambda: _verified(onnxruntime, content, path), f"model {path}")


def _verified(onnxruntime: Any, content: bytes, path: Path) -> OnnxEngine:
    """Load it, and compare its reference window."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base but this
        line = " ".join(str(error).split())[:120]
        raise ModelRefused(f"model {path} is no readable ONNX file ({line})") from error
    text = session.get_modelmeta().custom_metadata_map.get(EXTRA_FILE)
    if not text:
        raise ModelRefused(f"model {path} holds no {EXTRA_FILE}", "export it with apexbeat-train")
    try:
        contract = parse(text)
    except ModelRefused as refused:
        raise ModelRefused(f"model {path}: {refused.what}", refused.remedy) from refused
    engine = OnnxEngine(session, contract, hashlib.sha256(content).hexdigest())
    try:
        logits = engine.logits(contract.reference()[None])
    except Exception as error:  # as above
        line = " ".join(str(error).split())[:120]
        raise ModelRefused(f"model {path} cannot run on a window ({line})") from error
    check_reference(contract, logits, path)
    return engine
