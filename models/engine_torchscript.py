"""The TorchScript engine: the only seam at which torch's (deprecated) script calls are made.

``open_model`` does everything that must be done before a model may speak: size and sha256 of the
file, no code that loading would run, then load, contract, operators, weights, reference window,
warm-up.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.archive import check_archive
from models.contract import (
    EXTRA_FILE,
    Contract,
    ModelRefused,
    check_reference,
    checked_bytes,
    parse,
    read_card,
)
from models.engine import Opened, checked_windows

PRIMITIVES = """
Constant GetAttr If ListConstruct ListUnpack Loop NumToTensor Param RaiseException Return
TupleConstruct TupleUnpack Uninitialized device dtype unchecked_cast
"""
OPERATORS = """
Bool Float Int __getitem__ __is__ __isnot__ __not__ _convolution abs adaptive_avg_pool1d
adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d add addmm addmv amax amin append
avg_pool1d avg_pool2d batch_norm bmm cat chunk clamp clamp_max clamp_min constant_pad_nd
contiguous conv1d conv2d convolution dim div dot dropout dropout_ eq exp expand flatten
floordiv format ge gru gt hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh hardtanh_
le len linear log log10 log2 log_softmax lstm lt matmul max_pool1d max_pool2d maximum mean
minimum mm mul ne neg numel ones_like pad permute pow reciprocal relu relu_ repeat reshape
rnn_tanh rsub select sigmoid size slice softmax split sqrt square squeeze stack std sub sum
t tanh to transpose unbind unsqueeze var view warn zeros zeros_like
"""
ALLOWED = frozenset(f"prim::{p}" for p in PRIMITIVES.split()) | frozenset(
    f"aten::{o}" for o in OPERATORS.split()
)
WARM_UP = 3
"""Calls after which torch's profiling executor has settled."""


class TorchScriptEngine(Opened):
    """A verified TorchScript model. Make one with ``open_model``."""

    def __init__(self, module: Any, contract: Contract, sha256: str) -> None:
        super().__init__(contract, sha256)
        self._module = module

    def logits(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw logits float32 [n, 2] of windows float32 [n, 5000], one window at a time.

        A batch would round otherwise than the single windows of a live stream.
        """
        windows = checked_windows(windows)
        out = np.empty((windows.shape[0], 2), np.float32)
        with torch.inference_mode():
            for i, window in enumerate(windows):
                out[i] = self._module(torch.from_numpy(window[None]))[0].numpy()
        return out


def open_model(path: Path | str, sha256: str | None = None) -> TorchScriptEngine:
    """Open and verify a model file.

    Parameters
    ----------
    path
        The TorchScript archive.
    sha256
        The trusted hash; None: the card beside the file must hold it.

    Raises
    ------
    ModelRefused
        If anything is off; the message is one line.
    """
    path = Path(path)
    torch.set_num_threads(1)  # one small window at a time: more threads cost time and rounding
    content = checked_bytes(path, sha256 if sha256 is not None else read_card(path))
    check_archive(content, path)
    module, text = _load(content, path)
    try:
        contract = parse(text)
    except ModelRefused as refused:
        raise ModelRefused(f"model {path}: {refused.what}", refused.remedy) from refused
    check_operators(module, path)
    if weights_sha256(module) != contract.weights_sha256:
        raise ModelRefused(f"model {path}: its weights are not those of its contract")
    engine = TorchScriptEngine(module, contract, hashlib.sha256(content).hexdigest())
    reference = contract.reference()[None]
    try:
        for _ in range(WARM_UP):
            logits = engine.logits(reference)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        line = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise ModelRefused(f"model {path} cannot run on a window ({line})") from error
    check_reference(contract, logits, path)
    return engine


def _load(content: bytes, path: Path) -> tuple[Any, bytes]:
    extra: dict[str, Any] = {EXTRA_FILE: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(content), map_location="cpu", _extra_files=extra
            )
    except (RuntimeError, ValueError, UnicodeDecodeError) as error:
        line = str(error).strip().splitlines()[0][:120]
        raise ModelRefused(f"model {path} is no readable TorchScript archive ({line})") from error
    module.eval()
    text = extra[EXTRA_FILE]
    if not text:
        raise ModelRefused(f"model {path} holds no {EXTRA_FILE}", "export it with apexbeat-train")
    return module, text if isinstance(text, bytes) else text.encode()


def check_operators(module: Any, path: Path) -> None:
    """Refuse operators that a student does not need (files, processes, foreign code).

    Raises
    ------
    ModelRefused
        Naming the first operator that is not allowed.
    """
    for node in _nodes(module.inlined_graph):
        kind = node.kind()
        if kind in ALLOWED:
            continue
        raise ModelRefused(f"model {path} uses the operator {kind}, which is not allowed")


def _nodes(block: Any) -> Any:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def weights_sha256(module: Any) -> str:
    """Hash over all tensors of a script: attributes of frozen modules stand as constants."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().contiguous().numpy().tobytes())
    for node in _nodes(module.inlined_graph):
        if node.kind() == "prim::Constant" and node.hasAttribute("value"):
            if node.kindOf("value") != "t":
                continue
            digest.update(node.t("value").detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
