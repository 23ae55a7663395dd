"""``apexbeat ward``: many beds that report to a broker, on one screen."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import msgspec

from monitor.cli.common import load_settings, setting_options


@click.command("ward")
@click.option(
    "--broker",
    required=True,
    metavar="HOST[:PORT]",
    help="Broker that the beds report to. User, password and TLS as in the settings, [outward].",
)
@click.option("--bell", is_flag=True, help="Ring the terminal's bell for alarms of high priority.")
@setting_options
def ward(broker: str, bell: bool, config_file: Path | None, overrides: tuple[str, ...]) -> int:
    """Show many beds that report to an MQTT broker, alarms first; a silent bed is an alarm.

    View only: nothing can be acknowledged here. A research and teaching instrument, not a
    medical device.
    """  # fmt: skip
    settings = load_settings(config_file, overrides).settings.outward
    from monitor.integrations.broker import check
    from monitor.integrations.listen import Listening
    from monitor.integrations.publisher import broker_of
    from monitor.tui.terminal import check as check_terminal
    from monitor.tui.ward.app import run

    host, port = _address(broker)
    where = broker_of(msgspec.structs.replace(settings, mqtt_host=host, mqtt_port=port))
    check(where)
    check_terminal()
    ear = Listening(where, settings.mqtt_prefix.strip("/"))
    ear.start()
    try:
        with tempfile.TemporaryDirectory(prefix="apexbeat-ward-") as folder:
            return run(ear, ":".join(map(str, where.address)), Path(folder) / "log", bell=bell)
    finally:
        ear.close()


def _address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST``, ``HOST:PORT`` or ``[v6]:PORT``; 0 for the usual one."""
    head, colon, tail = text.rpartition(":")
    if colon and tail.isdigit() and (":" not in head or head.startswith("[")):
        if not 0 < int(tail) < 65_536:
            raise click.BadParameter(f"{tail} is not a port")
        return head.strip("[]"), int(tail)
    if not text.strip("[]"):
        raise click.BadParameter("names no host")
    return text.strip("[]"), 0
