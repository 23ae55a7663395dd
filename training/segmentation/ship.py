"""Writes the shipped cycle model and its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from dsp.cycles.model import CycleModel
from dsp.cycles.network import read_weights
from dsp.stage import CHAIN_VERSION


def ship(model: CycleModel, result: dict[str, object], folder: Path) -> None:
    """Write cycles.npz and cycles.json into ``folder``."""
    arrays = model.to_arrays()
    path = folder / "cycles.npz"
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    streaming = result.get("streaming")
    pooled = streaming["all"] if isinstance(streaming, dict) else {}
    weights = read_weights(model.emission)
    card = {
        "name": "cycles",
        "version": "2",
        "what": "emission, durations, calibration, onsets and doubt of the heart-cycle decoder",
        "chain_version": CHAIN_VERSION,
        "data": "emission: PhysioNet/CinC Challenge 2016, quality 1, all groups; onsets and doubt: "
        "phantoms, the latter with development groups of it and of CirCor DigiScope 1.0.3",
        "parameters": int(sum(w.weight.size for w in weights.layers) + weights.head.size),
        "look_ahead_frames": weights.ahead,
        "variant": result.get("variant"),
        "cross_validation": {
            key: pooled.get(key)
            for key in ("recordings", "groups", "f1 onset 60", "f1 onset 100", "swaps per cycle")
        },
        "limits": "adult recordings mostly; rates beyond 40–140/min, murmurs and noise were "
        "learnt from augmentation; clicks of mechanical valves and systoles as long as diastole "
        "are often missed or doubled; not a medical device",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (folder / "cycles.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
