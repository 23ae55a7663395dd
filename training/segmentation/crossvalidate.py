"""Who is held out of a fold, and the file the tables are made from."""

from __future__ import annotations

import json
from pathlib import Path

from training.segmentation.data import Prepared
from training.segmentation.train import Part
from training.whole import write_whole


def held_out(prepared: Prepared, fold: int) -> list[int]:
    """Places of the recordings of a fold."""
    return [k for k, out in enumerate(Part(f"fold{fold}").holds_out(prepared)) if out]


def write(path: Path, section: str, content: object) -> None:
    """Put one section into the result file, keeping the others."""
    known = json.loads(path.read_text()) if path.exists() else {}
    known[section] = content
    write_whole(path, json.dumps(known, indent=1, sort_keys=True) + "\n")
