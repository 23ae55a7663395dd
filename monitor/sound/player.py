"""An output device that plays what `Listen` gives it, and is opened again when it goes away."""

from __future__ import annotations

import contextlib
from typing import Any

from monitor.events import RATE_HZ
from monitor.playing import Band
from monitor.sound.listen import Listen

RATES_HZ = (48_000, 96_000, 32_000, 16_000, 8_000)
"""Tried in this order; each is a multiple of 2 kHz."""

LATENCY_S = 0.1


class Player:
    """One open output.

    Parameters
    ----------
    output
        Part of the name of a device, empty for the system's.
    band, gain_db
        As in `Listen`.

    Raises
    ------
    OSError
        If there is no output, or it takes none of `RATES_HZ`.
    """

    def __init__(self, output: str, band: Band, gain_db: float) -> None:
        try:
            import sounddevice as sd
        except OSError as error:
            raise OSError(f"no audio output: {error}") from None
        self._sd = sd
        with contextlib.suppress(sd.PortAudioError):  # the list of devices is frozen until then
            sd._terminate()
        try:
            sd._initialize()
            self.rate_hz = self._rate(output or None)
            self.listen = Listen(band, gain_db, self.rate_hz)
            self._stream = sd.OutputStream(
                device=output or None, samplerate=self.rate_hz, channels=1, dtype="float32",
                latency=LATENCY_S, callback=self._fill,
            )  # fmt: skip
            self._stream.start()
        except (sd.PortAudioError, ValueError) as error:
            words = " ".join(str(error.args[0] if error.args else error).split())
            raise OSError(f"no audio output: {words}") from None

    @property
    def playing(self) -> bool:
        """Whether the output still takes sound."""
        return bool(self._stream.active)

    def close(self) -> None:
        with contextlib.suppress(self._sd.PortAudioError):
            self._stream.close()

    def _rate(self, device: str | None) -> int:
        own = round(float(self._sd.query_devices(device, "output")["default_samplerate"]))
        for rate_hz in (own, *RATES_HZ):
            if rate_hz % RATE_HZ:
                continue
            try:
                self._sd.check_output_settings(
                    device=device, samplerate=rate_hz, channels=1, dtype="float32"
                )
            except (self._sd.PortAudioError, ValueError):
                continue
            return rate_hz
        raise ValueError(f"it takes none of {', '.join(map(str, RATES_HZ))} Hz")

    def _fill(self, out: Any, count: int, _time: Any, _status: Any) -> None:
        out[:, 0] = self.listen.pull(count)
