"""Writes the shipped cycle model and its card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from dsp.cycles.model import CycleModel
from dsp.cycles.network import read_weights
from dsp.stage import CHAIN_VERSION

MORE = "cinc2016, CirCor and phantoms of hard kinds, all without the development groups"


def ship(model: CycleModel, result: dict[str, object], folder: Path, carried_on: int = 0) -> None:
    """Write cycles.npz and cycles.json into ``folder``, which is made.

    Parameters
    ----------
    carried_on
        Steps for which the emission was fitted on after its cross-validation.
    """
    folder.mkdir(parents=True, exist_ok=True)
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
        "what": "emission, durations, calibration and onsets of the heart-cycle decoder",
        "chain_version": CHAIN_VERSION,
        "data": "emission: PhysioNet/CinC Challenge 2016, quality 1, all groups; onsets: phantoms"
        + (f"; then {carried_on} steps on {MORE}" if carried_on else ""),
        "parameters": int(sum(w.weight.size for w in weights.layers) + weights.head.size),
        "look_ahead_frames": weights.ahead,
        "variant": result.get("variant"),
        "cross_validation": {
            key: pooled.get(key)
            for key in ("recordings", "groups", "f1 onset 60", "f1 onset 100", "swaps per cycle")
        },
        "limits": "rates beyond 40–190/min, clicks of valves, equal systole and diastole, "
        "murmurs and noise were learnt from phantoms and augmentation; the cross-validation is "
        "of the fit before the last steps; not a medical device",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (folder / "cycles.json").write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n")
