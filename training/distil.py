"""The loss: alpha · CE(labels) + (1 - alpha) · T² · KL(teacher ‖ student) (Hinton 2015).

The paper writes the soft part as a cross-entropy without T² (its literal form); the gradients of
cross-entropy and KL are the same, and T² keeps the meaning of alpha at every T.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from training.config import Config, Distil
from training.paper.networks import focal_loss


def loss_of(logits: Tensor, target: Tensor, soft: Tensor | None, config: Config) -> Tensor:
    """Mean loss of a batch.

    Parameters
    ----------
    logits : float32 [n, 2], or [peers, n, 2]
        Of students that are trained together: each is taught by the mean of the others.
    target : float32 [n, 2]
        Class probabilities.
    soft : float32 [n, 2] or None
        The teacher's logits; None: labels alone.
    """
    if logits.dim() == 2:
        return _loss_of_one(logits, target, soft, config)
    total = logits.detach().sum(dim=0)
    others = len(logits) - 1
    parts = [_loss_of_one(z, target, (total - z.detach()) / others, config) for z in logits]
    return torch.stack(parts).sum()


def _loss_of_one(logits: Tensor, target: Tensor, soft: Tensor | None, config: Config) -> Tensor:
    hard = focal_loss(logits, target) if config.loss == "focal" else _cross(logits, target)
    return hard if soft is None else _taught(logits, hard, soft, config.distil)


def _cross(logits: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(logits, target)


def _taught(logits: Tensor, hard: Tensor, soft: Tensor, distil: Distil) -> Tensor:
    t = distil.temperature
    own = torch.log_softmax(logits / t, dim=1)
    if distil.literal:
        taught = -(torch.softmax(soft / t, dim=1) * own).sum(dim=1).mean()
    else:
        theirs = torch.log_softmax(soft / t, dim=1)
        taught = t * t * functional.kl_div(own, theirs, log_target=True, reduction="batchmean")
    return distil.alpha * hard + (1 - distil.alpha) * taught
