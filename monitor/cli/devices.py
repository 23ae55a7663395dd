"""``apexbeat devices``: the input devices that ``live --device`` can name, and their levels."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.capture.meter import Level

LIMIT_S = 8.0
MEASURE_S = 2.0
"""``--level`` listens for so long after the first sound."""

BAR = 30
FLOOR_DB = -60.0


@click.command("devices")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--level", is_flag=True, help="Measure the level of each device for two seconds.")
@click.option("--watch", is_flag=True, help="Show live levels until Ctrl-C.")
def devices(as_json: bool, level: bool, watch: bool) -> int:
    """List input devices; the id stays the same after unplugging."""
    import os

    from monitor.capture.microphone import list_devices
    from monitor.errors import EXIT_DEVICE, ApexbeatError

    if watch:
        return _watch(as_json)
    if level:
        return _told(_measured(), as_json)
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # PortAudio writes what it tried to the terminal
    try:
        found = list_devices(LIMIT_S)
    except ApexbeatError:
        os.dup2(kept, 2)
        raise
    os.dup2(kept, 2)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found).decode())
    elif not found:
        click.echo(NONE)
    else:
        width = max(len(device.name) for device in found)
        for device in found:
            mark = "*" if device.default else " "
            click.echo(
                f"{mark} {device.name:<{width}}  {device.rate_hz:>6} Hz  "
                f"{device.channels:>2} ch  {device.identity}"
            )
    sys.stdout.flush()
    return EXIT_DEVICE if not found else 0


NONE = "no input device found; plug one in, or try 'apexbeat live --phantom normal'"


def _measured() -> list[Level]:
    """Levels of all devices after listening; peaks are the loudest of the time.

    Raises
    ------
    DeviceError
        If the sound system fails or does not answer.
    """
    import time

    import msgspec

    from monitor.capture.levels import SILENT_S, LevelMeter
    from monitor.errors import DeviceError

    loudest: dict[str, Level] = {}
    end_s, heard = time.monotonic() + SILENT_S, False
    with LevelMeter() as meter:
        while time.monotonic() < end_s:
            levels = meter.read(1.0)
            if levels is None:
                continue
            if not heard and any(new.peak_db is not None for new in levels):
                heard, end_s = True, time.monotonic() + MEASURE_S
            kept = {new.identity: new for new in levels}
            for name, old in loudest.items():
                new = kept.get(name)
                if new is None or old.peak_db is None:
                    continue
                if new.peak_db is None or old.peak_db > new.peak_db:
                    kept[name] = msgspec.structs.replace(old, clipped=old.clipped + new.clipped)
            loudest = kept
            if levels and all(new.trouble not in ("", "no samples") for new in levels):
                break
    if not heard and not loudest:
        raise DeviceError("the sound system does not answer", "restart the sound server")
    return list(loudest.values())


def _told(levels: Sequence[Level], as_json: bool) -> int:
    from monitor.errors import EXIT_DEVICE

    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(levels).decode())
    else:
        for line in lines(levels):
            click.echo(line)
    return 0 if levels else EXIT_DEVICE


def lines(levels: Sequence[Level]) -> list[str]:
    """One line for each device: name, bar of the peak, peak and RMS in dB full scale."""
    if not levels:
        return [NONE]
    width = max(len(level.name) for level in levels)
    return [
        f"{'*' if level.default else ' '} {level.name:<{width}}  {_bar(level)}  {level.identity}"
        for level in levels
    ]


def _bar(level: Level) -> str:
    if level.peak_db is None or level.rms_db is None:
        return f"{level.trouble:<{BAR + 30}}"
    full = round(BAR * min(1.0, max(0.0, 1 - level.peak_db / FLOOR_DB)))
    clip = "CLIPS" if level.clipped else "     "
    bar = "#" * full + "." * (BAR - full)
    return f"{bar} peak {level.peak_db:6.1f} dB  rms {level.rms_db:6.1f} dB {clip}"


def _watch(as_json: bool) -> int:
    """Show levels until interrupted: in place on a terminal, else once a second."""
    import contextlib

    from monitor.capture.levels import LevelMeter
    from monitor.errors import DeviceError

    with LevelMeter() as meter, contextlib.ExitStack() as stack:
        if sys.stdout.isatty() and not as_json:
            from rich.live import Live
            from rich.text import Text

            screen = stack.enter_context(Live(refresh_per_second=4))

            def show(told: list[str]) -> None:
                screen.update(Text("\n".join(told), no_wrap=True, overflow="crop"))
        else:

            def show(told: list[str]) -> None:
                click.echo("\n".join(told))
                sys.stdout.flush()

        while True:
            try:
                levels = meter.read(1.0)
            except DeviceError as error:
                show([str(error)])
                continue
            if levels is None:
                continue
            if as_json:
                import msgspec

                show([msgspec.json.encode(levels).decode()])
            else:
                show(lines(levels))
