"""Draws the figures of the manual from the shipped recordings: ``python docs/figures/make.py``.

phonocardiogram.svg  filtered sound, envelope, S1 and S2 as the decoder found them
spectrogram.svg      the same seconds over time and frequency, with a 2.5 s window of the model
alarm.svg            one recording from begin to end: rate, and the states of its alarm
library.svg          what `plot` of the library draws

Everything drawn is what the product finds: events of ``apexbeat replay``, sound of ``dsp.chain``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import matplotlib  # noqa: E402

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import soundfile as sf  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from scipy.signal import spectrogram as stft  # noqa: E402

from dsp.chain import process  # noqa: E402
from dsp.envelope import FRAME, Envelopes  # noqa: E402
from dsp.stage import RATE_HZ  # noqa: E402

HERE = Path(__file__).resolve().parent
SOUND = "systolic_murmur.flac"
ALARM = "tachycardia.flac"
FROM_S, TO_S = 20.0, 23.2
TEAL, RED, GREY = "#00796b", "#c62828", "#777777"
STATES = {"pending": "#bdbdbd", "active": "#f9a825", "acknowledged": "#9ccc65", "latched": RED}

Float = NDArray[np.float64]
Line = dict[str, Any]


def filtered(name: str) -> Float:
    """The sound of a recording behind the signal chain, 2 kHz."""
    sound, rate_hz = sf.read(ROOT / "recordings" / name, dtype="float32", always_2d=True)
    return np.asarray(process(sound, rate_hz))


def events(name: str) -> list[Line]:
    """The event lines of a recording."""
    from monitor.cli.main import run

    with tempfile.TemporaryDirectory() as folder:
        path = str(ROOT / "recordings" / name)
        code = run(["replay", path, "--events", folder, "--json", "--config", os.devnull])
        if code:
            raise SystemExit(code)
        (found,) = Path(folder).glob("*.jsonl")
        return [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines()]


def save(figure: Any, name: str) -> None:
    """Write without a date, so that an unchanged figure is an unchanged file."""
    figure.savefig(HERE / name, metadata={"Date": None}, bbox_inches="tight")
    plt.close(figure)


def phonocardiogram(sound: Float, lines: list[Line]) -> None:
    """Sound, envelope and marks."""
    stage = Envelopes()
    envelope = np.concatenate([stage.push(sound), stage.flush()])[:, 1]
    figure, axes = plt.subplots(figsize=(9, 3))
    at = np.arange(sound.size) / RATE_HZ
    scale = np.abs(sound[int(FROM_S * RATE_HZ) : int(TO_S * RATE_HZ)]).max()
    axes.plot(at, sound / scale, color=TEAL, lw=0.6, label="sound, 20–400 Hz")
    frames = (np.arange(envelope.size) + 0.5) * FRAME / RATE_HZ
    axes.plot(frames, envelope / scale, color=RED, lw=1.4, label="Hilbert envelope")
    for line in lines:
        if line["type"] != "beat":
            continue
        for key, end, word in (("s1", "systole", "S1"), ("s2", "diastole", "S2")):
            if line[key] is None or not FROM_S <= line[key] / RATE_HZ <= TO_S:
                continue
            axes.axvline(line[key] / RATE_HZ, color=GREY, lw=0.8, ls="--")
            axes.text(line[key] / RATE_HZ, 1.08, word, ha="center", fontsize=9)
            if line[end] is not None:
                axes.axvspan(line[key] / RATE_HZ, line[end] / RATE_HZ, color=GREY, alpha=0.12)
    axes.set(xlim=(FROM_S, TO_S), ylim=(-1.1, 1.25), xlabel="seconds", ylabel="of its maximum")
    axes.legend(loc="lower right", fontsize=8)
    save(figure, "phonocardiogram.svg")


def spectrogram(sound: Float, lines: list[Line]) -> None:
    """Power over time and frequency, and where a window of the model begins and ends."""
    part = sound[int(FROM_S * RATE_HZ) : int(TO_S * RATE_HZ)]
    hz, at, power = stft(part, RATE_HZ, "hann", 128, 112, 256)
    figure, axes = plt.subplots(figsize=(9, 3))
    level = 10 * np.log10(power + 1e-14)
    shown = axes.imshow(
        level[hz <= 500], origin="lower", aspect="auto", cmap="magma", vmax=level.max(),
        vmin=level.max() - 50, extent=(FROM_S + at[0], FROM_S + at[-1], 0, 500),
    )  # fmt: skip
    starts = [e["start"] for e in lines if e["type"] == "window"]
    begin = next(s for s in starts if s / RATE_HZ >= FROM_S + 0.1) / RATE_HZ
    axes.plot([begin, begin + 2.5], [460, 460], color="white", lw=2)
    axes.text(begin + 1.25, 470, "one window of the model: 2.5 s from an S1", color="white",
              ha="center", fontsize=8)  # fmt: skip
    axes.set(xlabel="seconds", ylabel="Hz")
    figure.colorbar(shown, label="dB", pad=0.01)
    save(figure, "spectrogram.svg")


def alarm(lines: list[Line]) -> None:
    """Rate over time, and the states of the tachycardia alarm."""
    vitals = [e for e in lines if e["type"] == "vitals"]
    at = [e["index"] / RATE_HZ for e in vitals]
    rate = [np.nan if e["rate"] is None else e["rate"] for e in vitals]
    turns = [e for e in lines if e["type"] == "alarm" and e["kind"] == "tachycardia"]
    end = lines[-1]["index"] / RATE_HZ
    figure, axes = plt.subplots(figsize=(9, 3))
    axes.plot(at, rate, color=TEAL, label="heart rate, median of 5 cycles")
    axes.axhline(120, color=GREY, ls="--", lw=0.8)
    axes.text(1, 115.5, "limit 120/min, clears below 115", fontsize=8, color=GREY)
    seen = set()
    for turn, after in zip(turns, [*turns[1:], None], strict=True):
        colour = STATES.get(turn["state"])
        if colour is None:
            continue
        until = end if after is None else after["index"] / RATE_HZ
        label = None if turn["state"] in seen else f"alarm {turn['state']}"
        seen.add(turn["state"])
        axes.axvspan(turn["index"] / RATE_HZ, until, color=colour, alpha=0.45, label=label)
    axes.set(xlim=(0, end), xlabel="seconds", ylabel="per minute")
    axes.legend(loc="upper left", fontsize=8)
    save(figure, "alarm.svg")


def library() -> None:
    """The plot of ``apexbeat.analyze``."""
    import apexbeat

    save(apexbeat.analyze(ROOT / "recordings" / ALARM).plot(34, 42), "library.svg")


def main() -> int:
    """Draw all."""
    plt.rcParams.update({"svg.hashsalt": "apexbeat", "font.size": 9, "svg.fonttype": "path"})
    sound, lines = filtered(SOUND), events(SOUND)
    phonocardiogram(sound, lines)
    spectrogram(sound, lines)
    alarm(events(ALARM))
    library()
    return 0


if __name__ == "__main__":
    sys.exit(main())
