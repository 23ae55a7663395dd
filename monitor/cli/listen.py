"""``apexbeat listen``: the heart of a running monitor on a loudspeaker."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import load_settings, setting_options, store_option
from monitor.playing import BANDS_HZ, Band


@click.command("listen")
@click.option(
    "--band",
    type=click.Choice([*BANDS_HZ]),
    help="20-400 Hz, 20-150 Hz, or 100-400 Hz. [wide]",
)
@click.option("--output", metavar="NAME", help="Output device, or part of its name.")
@click.option("--session", metavar="ID", default="", help="Session, if several are monitored.")
@store_option
@setting_options
def listen(
    band: Band | None,
    output: str | None,
    session: str,
    store: Path | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Play the sound of a running monitor, about 1.5 s late; Ctrl-C ends only the playback."""
    import threading

    from monitor.config.paths import store_folder
    from monitor.link.address import address_of
    from monitor.link.client import Client
    from monitor.sound.listening import Hearing, follow, portaudio_silenced

    settings = load_settings(config_file, overrides).settings
    address = address_of(store_folder(store, settings))
    Client.connect(address, "listen", waves=False).close()  # an error now, if nothing runs
    chosen = settings.sound
    hearing = Hearing(
        address=str(address),
        session=session,
        band=band or (chosen.listen if chosen.listen != "off" else "wide"),
        output=chosen.output if output is None else output,
        gain_db=chosen.listen_gain_db,
    )
    click.echo(f"playing, {hearing.band} band, {hearing.gain_db:+.0f} dB; Ctrl-C ends it", err=True)
    with portaudio_silenced() as say:
        follow(hearing, threading.Event(), lambda words: say(f"apexbeat: {words}"))
