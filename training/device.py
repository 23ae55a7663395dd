"""Where a training computes: a GPU where there is one, else the CPU; and which of several cells.

Under ``torchrun`` each process takes every n-th fold of a grid and the GPU of its rank: the
networks are small, and whole cells side by side keep a GPU busier than one cell spread over all.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch


def device() -> torch.device:
    """The GPU of this process's rank, or the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


def my_share(folds: Sequence[int]) -> list[int]:
    """Folds of this process: all of them, or every n-th under ``torchrun``.

    Cells of one fold stay together, because they share their teachers.
    """
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    return [fold for i, fold in enumerate(folds) if i % world == rank]


def autocast(place: torch.device) -> AbstractContextManager[object]:
    """Arithmetic in bf16 where the processor has it; weights and logits stay float32."""
    return torch.autocast(place.type, torch.bfloat16, enabled=_has_bf16(place))


def _has_bf16(place: torch.device) -> bool:
    if place.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())
