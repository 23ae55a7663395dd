"""``apexbeat devices``: the input devices that ``live --device`` can name."""

from __future__ import annotations

import sys

import click

LIMIT_S = 8.0


@click.command("devices")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def devices(as_json: bool) -> int:
    """List input devices; the id survives unplugging and plugging."""
    import os

    from monitor.capture.microphone import list_devices
    from monitor.errors import EXIT_DEVICE, ApexbeatError

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
        click.echo("no input device is there; plug one in, or try 'apexbeat live --phantom normal'")
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
