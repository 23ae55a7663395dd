"""The long runs are plain scripts; their short forms import them from here."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
for folder in ("bench", "fuzz", "soak"):
    if str(TESTS / folder) not in sys.path:
        sys.path.insert(0, str(TESTS / folder))
