"""A student file with a written rule instead of training: is there sound in systole?

p(abnormal) rises with the level between 145 and 205 ms after the S1 (where a healthy heart is
silent) over that of the whole window: 0.5 at −14 dB, 0.7 at about −12 dB. For golden alarms
(what a trained student says of a phantom is shown, not asserted).
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dsp.stage import CHAIN_VERSION
from models.contract import EXTRA_FILE, SAMPLES, Contract, encode_reference
from models.engine_torchscript import weights_sha256


class SystoleRule(nn.Module):
    """Logits float32 [n, 2] of windows float32 [n, 5000]."""

    def forward(self, x: Tensor) -> Tensor:
        power = x * x
        systole = torch.mean(power[:, 290:410], dim=1) + 1e-12
        whole = torch.mean(power, dim=1) + 1e-10
        z = 1.0 * (torch.log10(systole / whole) * 10.0 + 14.0) * 0.45
        return torch.stack([torch.zeros_like(z), z], dim=1)


def write(path: Path, **changes: object) -> str:
    """Write the file; return its sha256. ``changes`` go into the contract."""
    window = np.random.default_rng(5).normal(size=SAMPLES).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.script(SystoleRule().eval())
        logits = script(torch.from_numpy(window[None]))[0].tolist()
        content = {
            "name": "systole rule",
            "version": "1",
            "trained_on": "nothing: a written rule",
            "split": "none",
            "distilled_from": None,
            "window": "full",
            "chain_version": CHAIN_VERSION,
            "mfcc": {},
            "calibration_temperature": 1.0,
            "bias": 0.0,
            "threshold_normal": 0.4,
            "threshold_abnormal": 0.7,
            "parameters": 0,
            "multiply_adds": 0,
            "front_end_multiply_adds": 0,
            "weights_sha256": weights_sha256(script),
            "reference_window": encode_reference(window),
            "reference_logits": tuple(logits),
        }
        contract = Contract(**(content | changes))
        torch.jit.save(script, str(path), _extra_files={EXTRA_FILE: contract.to_json()})
    import hashlib

    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_suffix(".json").write_text(json.dumps({"sha256": sha256}), encoding="utf-8")
    return sha256


@cache
def opened(folder: Path) -> object:
    """Write it into a folder and open it."""
    from models.engine_torchscript import open_model

    path = folder / "systole_rule.pt"
    return open_model(path, write(path))
