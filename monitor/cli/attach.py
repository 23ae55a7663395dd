"""``apexbeat attach``: a screen on a core that is running."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import load_settings, setting_options
from monitor.cli.web import web_options

if TYPE_CHECKING:
    from monitor.cli.web import Beside

PATIENCE_S = 5.0


@click.command("attach")
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of that monitor's store. [the platform's data folder]",
)
@click.option("--read-only", is_flag=True, help="Look only: no acknowledgements, no changes.")
@web_options
@setting_options
def attach(
    store: Path | None,
    read_only: bool,
    web: str | None,
    web_control: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Open the screen of a running monitor."""
    from monitor.cli.live import terminal_name
    from monitor.cli.web import Beside, check
    from monitor.config.paths import store_folder
    from monitor.link.address import address_of
    from monitor.link.client import Client
    from monitor.link.messages import Hello
    from monitor.supervise.job import Job
    from monitor.supervise.launch import spawn
    from monitor.system.store_lock import SUPERVISOR, holder

    check(web, web_control)
    settings = load_settings(config_file, overrides).settings
    folder = store_folder(store, settings)
    address = address_of(folder)
    with Client.connect(address, "probe", waves=False) as client:
        hello = client.receive(PATIENCE_S)
    alone = isinstance(hello, Hello) and not hello.supervised
    # Just after the start the supervisor is there, and not yet known to its core.
    if alone and not read_only and holder(folder, SUPERVISOR) is None:
        click.echo("apexbeat: the core's supervisor is gone; a new one takes over", err=True)
        spawn(
            Job(
                store=str(folder),
                sources=[],
                settings=settings,
                adopt=True,
                terminal=terminal_name(),
            )
        )
    if web is not None:
        return _page(Beside(address, web, web_control and not read_only))
    from monitor.cli.leaving import tell
    from monitor.cli.screen_helpers import helpers
    from monitor.tui.app import run

    beside = helpers(folder, settings, address)
    code = run(address, read_only=read_only, helpers=beside)
    tell(address)
    return code


def _page(page: Beside) -> int:
    """Until Ctrl-C, or until the server has gone."""
    click.echo("Ctrl-C closes the page; monitoring continues", err=True)
    try:
        page.wait()
    finally:
        page.close()
    return 0
