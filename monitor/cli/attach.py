"""``apexbeat attach``: a screen on a core that is running."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import load_settings, setting_options


@click.command("attach")
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the record of that monitor. [the platform's data folder]",
)
@click.option("--read-only", is_flag=True, help="Refuse everything that changes something.")
@setting_options
def attach(
    store: Path | None, read_only: bool, config_file: Path | None, overrides: tuple[str, ...]
) -> int:
    """Open a screen on a monitor that is running."""
    from monitor.link.address import address_of
    from monitor.link.client import Client
    from monitor.place import store_folder

    settings = load_settings(config_file, overrides).settings
    address = address_of(store_folder(store, settings))
    Client.connect(address, "probe", waves=False).close()
    from monitor.tui.app import run

    return run(address, quit_ends=False, read_only=read_only)
