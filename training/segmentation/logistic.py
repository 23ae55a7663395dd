"""Fits the emission of the publications (`dsp/cycles/logistic.py`) by maximum likelihood."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dsp.cycles.bands import BLOCK
from dsp.cycles.logistic import LogisticEmission
from dsp.envelope import ENVELOPES
from dsp.stage import CHAIN_VERSION
from training.segmentation.data import IGNORE, Prepared, cache_dir

STATE_COUNT = 4


def envelopes(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled envelopes [frames, 4] of a whole recording, from the product's code."""
    zero = {
        "logistic.weight": np.zeros((ENVELOPES, STATE_COUNT), np.float32),
        "logistic.bias": np.zeros(STATE_COUNT, np.float32),
    }
    emission = LogisticEmission(zero)
    begin = emission.frame
    blocks = emission.scaled(sound) + emission.finish()
    stop = emission.stop or 0
    rows = np.concatenate(blocks) if blocks else np.zeros((BLOCK, ENVELOPES))
    return rows[-begin : -begin + stop].astype(np.float32)


def kept_envelopes(prepared: Prepared) -> list[NDArray[np.float16]]:
    """Scaled envelopes of all recordings, computed once and kept in the cache."""
    path = cache_dir() / f"envelopes-{CHAIN_VERSION}-{len(prepared.recordings)}.npz"
    if not path.exists():
        found = [envelopes(sound).astype(np.float16) for sound in prepared.sounds]
        with path.with_suffix(".part").open("wb") as file:
            np.savez(file, rows=np.concatenate(found), lengths=[len(f) for f in found])
        path.with_suffix(".part").rename(path)
    stored = np.load(path)
    return np.split(stored["rows"], np.cumsum(stored["lengths"])[:-1])


def learn_logistic(
    prepared: Prepared, out: list[bool], every: int = 4
) -> dict[str, NDArray[np.float32]]:
    """Fit on every ``every``-th frame of the recordings that are not held ``out``."""
    rows, labels = [], []
    for x, states, held in zip(kept_envelopes(prepared), prepared.labels, out, strict=True):
        if held:
            continue
        count = min(len(x), len(states))
        keep = states[:count] != IGNORE
        rows.append(x[:count][keep][::every])
        labels.append(states[:count][keep][::every])
    return _maximise(np.concatenate(rows).astype(np.float64), np.concatenate(labels).astype(int))


def _maximise(x: NDArray[np.float64], y: NDArray[np.int64]) -> dict[str, NDArray[np.float32]]:
    """Softmax regression by L-BFGS."""
    ones = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    wanted = np.eye(STATE_COUNT)[y]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = ones @ flat.reshape(ENVELOPES + 1, STATE_COUNT)
        z -= z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        gradient = ones.T @ (np.exp(log_p) - wanted) / len(x)
        return -float((log_p * wanted).sum()) / len(x), gradient.reshape(-1)

    start = np.zeros((ENVELOPES + 1) * STATE_COUNT)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    weights = best.x.reshape(ENVELOPES + 1, STATE_COUNT).astype(np.float32)
    return {"logistic.weight": weights[:-1], "logistic.bias": weights[-1]}
