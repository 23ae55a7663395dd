"""Draws docs/pictures/exam.png: the page of an examination, in a headless browser.

    python tests/support/exam_picture.py

Five places of synthetic hearts, a murmur at two of them, heard through the examination's own
listening and folder; only the clock and the device are scripted. Needs Chromium.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from chromium import PROGRAM
from clocks import PlayingClock
from scripted import ScriptedPhantom

from monitor.analysis.verdict import Thresholds
from monitor.assembly import open_models
from monitor.config.load import Settings
from monitor.exam.folder import ExamFolder, Person
from monitor.exam.listening import Listening, listen

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "exam.png"
PLACES = {
    "aortic": "normal", "pulmonic": "normal", "Erb": "murmur", "tricuspid": "normal",
    "mitral, left side": "murmur",
}  # fmt: skip


def main() -> None:
    """Examine, and photograph the page."""
    settings = Settings()
    models = open_models(settings)
    contract = models.engine.contract
    limits = Thresholds(contract.threshold_normal, contract.threshold_abnormal)
    started = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as name:
        folder = ExamFolder(Path(name) / "exam", Person("A-104", "first visit", "child"),
                            started, limits)  # fmt: skip
        for place, preset in PLACES.items():
            clock, device = PlayingClock(), ScriptedPhantom(preset)
            clock.play = device.deliver
            with Listening(device, clock) as capture:
                folder.add(listen(capture, place, settings, models, clock, limit_s=60), started)
        folder.finish()
        subprocess.run(
            [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--window-size=1100,1320", f"--user-data-dir={name}/home",
             f"--screenshot={PICTURE}", (Path(name) / "exam" / "exam.html").as_uri()],
            check=True, stderr=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
    from PIL import Image

    Image.open(PICTURE).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(
        PICTURE, optimize=True
    )
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
