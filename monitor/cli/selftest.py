"""``apexbeat selftest``: does this installation hear, and does it raise its alarms?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from monitor.cli.common import load_settings, model_options, setting_options
from monitor.errors import EXIT_OK, EXIT_SOME_FAILED, UsageError

if TYPE_CHECKING:
    from monitor.config.load import Settings

Checks = list[tuple[str, Callable[[], str]]]


@click.command()
@click.option("--alarm", is_flag=True, help="Raise every alarm and play the tone of each priority.")
@click.option(
    "--device", metavar="NAME", help="Check a device: level, clipping, lost sound, a heart."
)
@click.option("--phantom", metavar="NAME", help="The same with a synthetic heart as the device.")
@model_options
@setting_options
def selftest(
    alarm: bool,
    device: str | None,
    phantom: str | None,
    model: object,
    sha256: str | None,
    config_file: object,
    overrides: object,
) -> int:
    """Check this installation on a synthetic heart: models, cycles, rate, alarms, repeatability."""
    from pathlib import Path

    from monitor.selftest import installation as selfcheck

    assert model is None or isinstance(model, Path)
    assert config_file is None or isinstance(config_file, Path)
    assert isinstance(overrides, tuple)
    if device is not None and phantom is not None:
        raise UsageError("--device and --phantom cannot be used together")
    settings = load_settings(config_file, overrides, model, sha256).settings
    source = f"device:{device}" if device is not None else f"phantom:{phantom}"
    listens = device is not None or phantom is not None
    good = True
    for title, check in _checks(settings, alarm, source if listens else ""):
        try:
            words, passed = check(), True
        except selfcheck.Failed as failed:
            words, passed = str(failed), False
        good = good and passed
        click.echo(f"{'ok  ' if passed else 'FAIL'}  {title}: {words}")
    return EXIT_OK if good else EXIT_SOME_FAILED


def _checks(
    settings: Settings, alarm: bool, source: str
) -> Iterator[tuple[str, Callable[[], str]]]:
    """Those that were asked for, else those of the installation."""
    from monitor.clock import SystemClock
    from monitor.selftest import installation as selfcheck

    if source:
        yield from _chest(settings, source)
    if alarm:
        from monitor.selftest import alarms as alarmcheck

        yield from alarmcheck.checks(settings, SystemClock())
    if not (source or alarm):
        yield from selfcheck.checks(settings)


def _chest(settings: Settings, source: str) -> Checks:
    from monitor.assembly import open_models
    from monitor.clock import SystemClock
    from monitor.live.source import driver_for
    from monitor.selftest import device as chestcheck

    models, clock = open_models(settings), SystemClock()
    driver = driver_for(source, settings.capture, clock)
    click.echo(f"      listening to {driver.name} for {chestcheck.LISTEN_S:.0f} s", err=True)
    model = ("model", lambda: "answers its reference window")
    return [*chestcheck.checks(driver, settings, models, clock), model]
