"""What a live session listens to: the driver of a source, and the index of this moment."""

from __future__ import annotations

from pathlib import Path

from dsp.stage import RATE_HZ
from monitor.capture.driver import Driver
from monitor.capture.phantom_device import PhantomDevice
from monitor.clock import Clock, ClockAnchor
from monitor.config.load import Capture as CaptureSettings
from monitor.errors import UsageError
from monitor.record.store import SessionRow

OPEN_S = 8.0
"""The first opening of a device may take this long."""


def boot_id() -> str:
    """Name of this boot of the machine; empty where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def driver_for(source: str, capture: CaptureSettings, clock: Clock) -> Driver:
    """The driver of ``phantom:NAME`` or ``device:PATTERN``; the device is looked for.

    Raises
    ------
    DeviceError, UsageError
        If there is no such device.
    """
    kind, _, name = source.partition(":")
    if kind == "phantom":
        return PhantomDevice(name, clock)
    if kind == "device":
        from monitor.capture.microphone import find

        return find(name, OPEN_S, capture.rate_hz, capture.channels)
    raise UsageError(f"a source is phantom:NAME or device:NAME, not {source}")


def driver_again(row: SessionRow, clock: Clock) -> Driver:
    """The driver of a session that goes on; the device need not be there."""
    if row.source == "phantom":
        return PhantomDevice(row.device, clock)
    from monitor.capture.microphone import Microphone

    return Microphone(row.device, row.name, row.rate_hz, row.channels)


def index_now(anchors: list[ClockAnchor], boot: str, clock: Clock) -> int:
    """Index of this moment from the last anchor; 0 without one.

    After a boot of the machine only wall time is left to go by.
    """
    if not anchors:
        return 0
    last = anchors[-1]
    passed_s = clock.boot() - last.boot if last.boot_id == boot else clock.wall() - last.wall
    return last.index + max(0, round(passed_s * RATE_HZ))
