"""Lets these tests import the scripted core of the screen's tests, and the browser beside them."""

import sys
from pathlib import Path

for folder in (Path(__file__).parent, Path(__file__).parents[1] / "tui"):
    sys.path.insert(0, str(folder))
