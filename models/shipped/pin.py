"""``python -m models.shipped.pin``: pin every shipped model file that lies here to its sha256.

To be called after a shipped file was made anew; the change of the pins is what a reviewer sees.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from models.shipped import PINS

SUFFIXES = (".pt", ".npz", ".onnx")


def pin(folder: Path, *names: str) -> dict[str, str]:
    """Pin the named files of ``folder`` in its ``shipped.json``; return file name → sha256."""
    path = folder / PINS
    pins: dict[str, str] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    for name in names:
        pins[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(pins, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return pins


if __name__ == "__main__":
    here = Path(__file__).parent
    pin(here, *(path.name for path in here.iterdir() if path.suffix in SUFFIXES))
