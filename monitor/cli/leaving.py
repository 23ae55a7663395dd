"""What becomes of a monitor when the screen that showed it is left, the same for every screen."""

from __future__ import annotations

from pathlib import Path

import click

GOODBYE_S = 10.0


def tell(address: Path) -> None:
    """Say whether the monitoring goes on."""
    if goes_on(address):
        click.echo("monitoring goes on; 'apexbeat attach' shows it again", err=True)
    else:
        click.echo("monitoring has ended", err=True)


def goes_on(address: Path) -> bool:
    """Whether the core still takes screens; one that is ending does not answer any more."""
    from monitor.errors import InputError
    from monitor.link.client import Client, Gone
    from monitor.link.messages import Hello

    try:
        with Client.connect(address, "probe", waves=False) as client:
            return isinstance(client.receive(1.0), Hello)
    except (InputError, Gone):
        return False


def end(address: Path) -> None:
    """End the monitoring, and wait until it has ended."""
    from monitor.errors import InputError
    from monitor.link.client import Client, Gone

    try:
        with Client.connect(address, "live", waves=False) as client:
            client.request("", "stop")
            client.answer(-1, GOODBYE_S)  # read until the core closes the link
    except (InputError, Gone):
        return
