"""Make the shipped recordings and their truth from the phantom heart.

Run from the project's folder: ``python recordings/make.py [FOLDER]``. Each ``name.wav`` or
``name.flac`` (16 bit) gets a ``name.states.csv`` beside it: ``sample,state`` with the sample at
2 kHz, 0-based, at which the state begins, as the project's tables of the Challenge 2016 are
written; noise-begin to noise-end encloses spans in which the heart cannot be heard.
"""

from __future__ import annotations

import argparse
import csv
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from dsp.phantom import PRESETS, Phantom, Rendering, render


@dataclass(frozen=True)
class Recording:
    """One shipped file: what is in it, its rate in Hz and its format."""

    phantom: Phantom
    rate_hz: int
    suffix: str


RECORDINGS = {
    "normal": Recording(PRESETS["normal"], 4000, "wav"),
    "systolic_murmur": Recording(PRESETS["murmur"], 4000, "flac"),
    "tachycardia": Recording(PRESETS["tachycardia"], 2000, "flac"),
    "bradycardia": Recording(PRESETS["bradycardia"], 2000, "flac"),
    "noisy_contact_loss": Recording(PRESETS["noisy"], 4000, "wav"),
    "heart_stops": Recording(replace(PRESETS["stop"], repeat_s=None), 2000, "flac"),
}
"""File stem to recording."""


def pcm16(rendering: Rendering) -> NDArray[np.int16]:
    """The sound as 16-bit samples."""
    return np.round(rendering.sound * 32767.0).astype(np.int16)


def make(folder: Path) -> list[Path]:
    """Write every recording and its truth into a folder; return the paths."""
    written = []
    for stem, recording in RECORDINGS.items():
        rendering = render(recording.phantom, recording.rate_hz)
        sound = folder / f"{stem}.{recording.suffix}"
        sf.write(sound, pcm16(rendering), recording.rate_hz, subtype="PCM_16")
        truth = folder / f"{stem}.states.csv"
        with truth.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["sample", "state"])
            table.writerows(rendering.states)
        written += [sound, truth]
    return written


def main() -> None:
    """Make them here, or in the folder named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent)
    for path in make(parser.parse_args().folder):
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
