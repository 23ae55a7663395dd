"""Writes the shipped cycle model and its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from dsp.cycles.model import CycleModel
from dsp.cycles.network import read_weights
from dsp.stage import CHAIN_VERSION


def ship(model: CycleModel, result: dict[str, Any], folder: Path, recipe: dict[str, Any]) -> None:
    """Write cycles.npz and cycles.json into ``folder``, which is made.

    Parameters
    ----------
    result
        What the cross-validation found; its figures stand in the card if they are of this recipe.
    recipe
        As `folds.recipe` gives it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = model.to_arrays()
    path = folder / "cycles.npz"
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    variant = result.get("variant", {})
    same = all(variant.get(key) == value for key, value in recipe.items())
    pooled = result["streaming"]["all"] if same else {}
    weights = read_weights(model.emission)
    card = {
        "name": "cycles",
        "version": "3",
        "what": "emission, durations, calibration and onsets of the heart-cycle decoder",
        "chain_version": CHAIN_VERSION,
        "data": "PhysioNet/CinC Challenge 2016 (quality 1), CirCor DigiScope and phantoms of hard "
        "kinds, all without the development groups; made-up sounds without a heart",
        "parameters": int(sum(w.weight.size for w in weights.layers) + weights.head.size),
        "look_ahead_frames": weights.ahead,
        "recipe": recipe,
        "cross_validation": {
            key: pooled.get(key)
            for key in ("recordings", "groups", "f1 onset 60", "f1 onset 100", "swaps per cycle")
        },
        "limits": "rates beyond 40–190/min, clicks of valves, equal systole and diastole, "
        "murmurs and noise were learnt from phantoms and augmentation; not a medical device",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (folder / "cycles.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
