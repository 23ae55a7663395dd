"""How loud every input device is just now: ``python -m monitor.capture.meter [IDENTITY ...]``.

A process of its own, for two reasons. PortAudio's list of devices is frozen until the library is
initialised anew, which ends every stream of its process: a core must not do that to look around.
And a device that hangs hangs here, where the owner can end it. It writes one JSON list of `Level`
a line, four times a second, until its standard input closes; or one string, why it ends. Devices
named as arguments are listed and left alone (somebody records from them).

    levels.py            starts it, reads it, starts it again
    cli/devices.py       apexbeat devices --level | --watch
    live_levels.py       the core, for a screen that chooses a device
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
import numpy as np

from monitor.capture.attempt import AbandonableCall
from monitor.capture.devices import Device
from monitor.capture.microphone import fresh_devices, record
from monitor.capture.ring import Int16Array
from monitor.errors import ApexbeatError

TELL_S = 0.25
RESCAN_S = 5.0
"""Plugged and unplugged devices are seen this often; the streams are opened anew for it."""

OPEN_S = 2.0
"""A device that is not open by then does not answer."""

FULL = 32768.0
CLIPPED = 32767

T = TypeVar("T")


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One input device and how loud it is.

    Attributes
    ----------
    default
        Whether the system takes it if none is named.
    peak_db, rms_db
        Of the last quarter of a second, dB full scale; None where nothing came.
    clipped
        Frames at full scale in it.
    trouble
        Why there is no level; empty if there is one.
    """

    identity: str
    name: str
    rate_hz: int
    channels: int
    default: bool
    peak_db: float | None = None
    rms_db: float | None = None
    clipped: int = 0
    trouble: str = ""


class Meter:
    """Peak and power of what a device delivered since it was last asked."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, float, int, int]] = []

    def take(self, frames: Int16Array) -> None:
        """Frames int16 [n, channels] came; called by the device's callback."""
        wide = np.abs(frames.astype(np.int32))
        power = float(np.square(wide, dtype=np.float64).sum())
        self._blocks.append((int(wide.max()), power, wide.size, int((wide >= CLIPPED).sum())))

    def tell(self) -> tuple[float, float, int] | None:
        """Peak and RMS in dB full scale, and clipped samples; None if nothing came."""
        blocks, self._blocks = self._blocks, []
        count = sum(size for _, _, size, _ in blocks)
        if not count:
            return None
        peak = max(peak for peak, *_ in blocks) / FULL
        rms = (sum(power for _, power, _, _ in blocks) / count) ** 0.5 / FULL
        return _db(peak), _db(rms), sum(clipped for *_, clipped in blocks)


class Meters:
    """All input devices of the system, each with a meter.

    Parameters
    ----------
    skip
        Identities that are listed and not opened.
    """

    def __init__(self, skip: Sequence[str] = ()) -> None:
        self._skip = frozenset(skip)
        self._devices: list[Device] = []
        self._meters: dict[str, Meter] = {}
        self._trouble: dict[str, str] = {}
        self._close: list[Callable[[], None]] = []

    def scan(self) -> None:
        """Close all, list anew, open all; seconds if a device does not answer."""
        for close in self._close:
            _in_time(close)
        self._close = []
        devices = fresh_devices()
        gone = {device.identity for device in self._devices}
        self._devices = devices
        for device in devices:
            gone.discard(device.identity)
            if device.identity in self._skip:
                self._trouble[device.identity] = "is monitored"
            else:
                self._open(device)
        for identity in gone:
            self._meters.pop(identity, None)
            self._trouble.pop(identity, None)

    def tell(self) -> list[Level]:
        """What every device did since the last call."""
        return [self._level(device) for device in self._devices]

    def _open(self, device: Device) -> None:
        meter = self._meters.setdefault(device.identity, Meter())
        try:
            self._close.append(_in_time(lambda: record(device, meter.take)))
        except (ApexbeatError, TimeoutError) as error:
            self._trouble[device.identity] = str(error)
        else:
            self._trouble.pop(device.identity, None)

    def _level(self, device: Device) -> Level:
        meter = self._meters.get(device.identity)
        told = None if meter is None else meter.tell()
        peak, rms, clipped = told if told is not None else (None, None, 0)
        return Level(
            identity=device.identity,
            name=device.name,
            rate_hz=device.rate_hz,
            channels=device.channels,
            default=device.default,
            peak_db=peak,
            rms_db=rms,
            clipped=clipped,
            trouble="" if told else self._trouble.get(device.identity, "no samples"),
        )


def _in_time(call: Callable[[], T]) -> T:
    attempt = AbandonableCall(call, lambda _: None, time.monotonic())
    if not attempt.wait(OPEN_S):
        attempt.abandon()
        raise TimeoutError("does not answer")
    return attempt.result()


def _db(amplitude: float) -> float:
    return round(float(20 * np.log10(max(amplitude, 1e-6))), 1)


def main() -> None:
    """Write levels until standard input closes."""
    meters = Meters(sys.argv[1:])
    failure: list[str] = []

    def scan() -> None:
        while not failure:
            try:
                meters.scan()
            except (ApexbeatError, TimeoutError) as error:
                failure.append(str(error))
            time.sleep(RESCAN_S)

    def tell() -> None:
        encoder = msgspec.json.Encoder()
        while not failure:
            time.sleep(TELL_S)
            sys.stdout.buffer.write(encoder.encode(failure[0] if failure else meters.tell()))
            sys.stdout.buffer.write(b"\n")
            sys.stdout.buffer.flush()
        os._exit(1)

    for call in (scan, tell):
        threading.Thread(target=call, daemon=True).start()
    sys.stdin.buffer.read()
    os._exit(0)  # a call that hangs in the audio library must not keep us


if __name__ == "__main__":
    main()
