"""Checkpoints of a training: written beside and renamed; a kill leaves the last whole one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.config import Config
from training.errors import TrainingError


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint.

    Raises
    ------
    TrainingError
        If it cannot be written; the last one is left as it is.
    """
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, part)
        part.rename(path)
    except (OSError, RuntimeError) as error:
        part.unlink(missing_ok=True)
        raise TrainingError(
            f"the checkpoint {path} cannot be written ({error})",
            "free space and start again: it goes on from the last one",
        ) from error


def random_states(rng: np.random.Generator) -> dict[str, Any]:
    """Every random state that a training draws from."""
    return {"numpy": rng.bit_generator.state, "torch": torch.get_rng_state()}


def restore_random(rng: np.random.Generator, content: dict[str, Any]) -> None:
    """Go on drawing where the checkpoint stopped."""
    rng.bit_generator.state = content["numpy"]
    torch.set_rng_state(content["torch"])


def load_checkpoint(path: Path, config: Config, seed: int) -> dict[str, Any]:
    """Read a checkpoint of this configuration and seed.

    Raises
    ------
    TrainingError
        If it is damaged or belongs to another configuration or seed.
    """
    try:
        content: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:  # a damaged file raises many kinds
        raise TrainingError(f"{path} is no readable checkpoint ({error})", "remove it") from error
    if content.get("key") != config.key() or content.get("seed") != seed:
        raise TrainingError(
            f"{path} belongs to another configuration or seed", "give another folder or remove it"
        )
    return content
