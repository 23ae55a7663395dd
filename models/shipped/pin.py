"""``python -m models.shipped.pin``: pin every shipped model file that lies here to its sha256.

To be called after a shipped file was made anew; the change of the pins is what a reviewer sees.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from models.shipped import PINS

SUFFIXES = (".pt", ".npz", ".onnx")


def pin(folder: Path) -> dict[str, str]:
    """Write ``shipped.json`` of ``folder``; return file name → sha256."""
    pins = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in SUFFIXES
    }
    text = json.dumps(pins, indent=1, sort_keys=True) + "\n"
    folder.joinpath(PINS).write_text(text, encoding="utf-8")
    return pins


if __name__ == "__main__":
    pin(Path(__file__).parent)
