"""The model that ships: fitted on every set and the phantoms without the development groups.

The development groups take no part in the fit: they show what it is worth, and calibrate its
confidence.
"""

from __future__ import annotations

from dataclasses import replace

from dsp.cycles.model import CycleModel
from training.segmentation.data import Prepared, development
from training.segmentation.evaluate import evaluate, fit_calibration
from training.segmentation.report import Row, by_database


def finish(prepared: Prepared, model: CycleModel) -> tuple[CycleModel, dict[str, Row]]:
    """Calibrate the confidence; the model, and the rows of the development groups."""
    chosen = development(prepared.recordings)
    places = [k for k, r in enumerate(prepared.recordings) if r.group in chosen]
    run = evaluate(prepared, places, model)
    rows = by_database([prepared.recordings[k] for k in run.places], run.counts)
    return replace(model, calibration=fit_calibration([run])), rows
