"""Open a model file by the engine that fits it: TorchScript, or ONNX Runtime.

``import models.opening`` loads neither; the engine is imported when a file is opened.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from models.contract import ModelRefused
from models.engine import Engine

ONNX = ".onnx"
TORCHSCRIPT = ".pt"


def open_file(path: Path, sha256: str | None = None) -> Engine:
    """Open and verify a model file, ``.onnx`` by ONNX Runtime, any other as TorchScript.

    Parameters
    ----------
    sha256
        The trusted hash; None: the card beside the file must hold it.

    Raises
    ------
    ModelRefused
        If anything is off, or the engine is not installed.
    """
    if path.suffix == ONNX:
        from models import engine_onnx

        return engine_onnx.open_model(path, sha256)
    if find_spec("torch") is None:
        raise ModelRefused("torch is not installed", f"pip install torch, or give a {ONNX} file")
    from models import engine_torchscript

    return engine_torchscript.open_model(path, sha256)


def best_suffix() -> str:
    """Suffix of the shipped form that this installation can run: ONNX before TorchScript.

    Both give the same logits to 1e-5; ONNX Runtime takes half as long and starts 1.5 s sooner.
    Which one ran stands in the hashes of a session.

    Raises
    ------
    ModelRefused
        If neither engine is installed.
    """
    if find_spec("onnxruntime") is not None:
        return ONNX
    if find_spec("torch") is not None:
        return TORCHSCRIPT
    raise ModelRefused(
        "neither torch nor onnxruntime is installed", "pip install torch, or onnxruntime"
    )
