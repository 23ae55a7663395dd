"""Figures of the live tests are written as those of the long runs are."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "proof"))
