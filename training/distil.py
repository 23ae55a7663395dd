"""The loss: alpha · CE(labels) + (1 - alpha) · T² · KL(teacher ‖ student) (Hinton 2015).

The paper writes the soft part as a cross-entropy without T² (its literal form); the gradients of
cross-entropy and KL are the same, and T² keeps the meaning of alpha at every T.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from training.config import Distil


def loss_of(logits: Tensor, target: Tensor, soft: Tensor | None, distil: Distil) -> Tensor:
    """Mean loss of a batch.

    Parameters
    ----------
    logits : float32 [n, 2]
    target : float32 [n, 2]
        Class probabilities.
    soft : float32 [n, 2] or None
        The teacher's logits; None: labels alone.
    """
    hard = functional.cross_entropy(logits, target)
    if soft is None:
        return hard
    t = distil.temperature
    own = torch.log_softmax(logits / t, dim=1)
    if distil.literal:
        taught = -(torch.softmax(soft / t, dim=1) * own).sum(dim=1).mean()
    else:
        theirs = torch.log_softmax(soft / t, dim=1)
        taught = t * t * functional.kl_div(own, theirs, log_target=True, reduction="batchmean")
    return distil.alpha * hard + (1 - distil.alpha) * taught
