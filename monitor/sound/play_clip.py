"""Plays one clip of an alarm: ``python -m monitor.sound.play_clip FILE [OUTPUT]``.

A process of its own, so that an audio library that hangs holds up no screen. A heart sound lies at
20 to 400 Hz and is quiet: it is played as loud as it goes without clipping, and headphones are
needed for the lower half of it. Ends by itself, or by SIGTERM.
"""

from __future__ import annotations

import sys
from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.errors import EXIT_DEVICE, EXIT_NO_INPUT

PEAK = 0.8
PIECE_S = 0.1


def louder(sound: NDArray[np.float32], rate_hz: int, output_hz: int) -> NDArray[np.float32]:
    """``sound`` at the output's rate, its 99.9th percentile at `PEAK`, clipped above."""
    from scipy.signal import resample_poly

    whole = gcd(rate_hz, output_hz)
    out = resample_poly(sound.astype(np.float64), output_hz // whole, rate_hz // whole)
    level = float(np.percentile(np.abs(out), 99.9)) if len(out) else 0.0
    if level > 0:
        out *= PEAK / level
    return np.clip(out, -1.0, 1.0).astype(np.float32)


def main(arguments: list[str]) -> int:
    """Play it; what goes wrong is one line on standard error."""
    path, output = Path(arguments[0]), (arguments[1] if len(arguments) > 1 else "") or None
    try:
        import soundfile as sf

        sound, rate_hz = sf.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        print(f"the clip cannot be read ({error})", file=sys.stderr)  # noqa: T201
        return EXIT_NO_INPUT
    try:
        import sounddevice as sd

        output_hz = round(float(sd.query_devices(output, "output")["default_samplerate"]))
        heard = louder(sound[:, 0], rate_hz, output_hz)
        step = round(PIECE_S * output_hz)
        with sd.OutputStream(
            device=output, samplerate=output_hz, channels=1, dtype="float32"
        ) as stream:
            for start in range(0, len(heard), step):
                stream.write(heard[start : start + step, None])
    except Exception as error:  # noqa: BLE001 - told in one line, whatever the audio library raises
        print(f"no audio output ({error})", file=sys.stderr)  # noqa: T201
        return EXIT_DEVICE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
