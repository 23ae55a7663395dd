"""``apexbeat attach``: a screen on a core that is running."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import load_settings, setting_options

PATIENCE_S = 5.0


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
    from monitor.background import spawn
    from monitor.job import Job
    from monitor.link.address import address_of
    from monitor.link.client import Client
    from monitor.link.messages import Hello
    from monitor.place import store_folder

    settings = load_settings(config_file, overrides).settings
    folder = store_folder(store, settings)
    address = address_of(folder)
    with Client.connect(address, "probe", waves=False) as client:
        hello = client.receive(PATIENCE_S)
    if isinstance(hello, Hello) and not hello.supervised and not read_only:
        click.echo("apexbeat: the core's supervisor is gone; a new one takes over", err=True)
        spawn(Job(store=str(folder), sources=[], settings=settings, adopt=True))
    from monitor.tui.app import run

    return run(address, quit_ends=False, read_only=read_only)
