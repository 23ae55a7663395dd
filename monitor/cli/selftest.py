"""``apexbeat selftest``: does this installation hear a phantom heart as it must?"""

from __future__ import annotations

from collections.abc import Callable

import click

from monitor.cli.common import load_settings, model_options, setting_options
from monitor.errors import EXIT_OK, EXIT_SOME_FAILED


@click.command()
@model_options
@setting_options
def selftest(model: object, sha256: str | None, config_file: object, overrides: object) -> int:
    """Check this installation on a phantom heart: models, cycles, rate, alarms, repeatability."""
    from pathlib import Path

    from monitor import selfcheck

    assert model is None or isinstance(model, Path)
    assert config_file is None or isinstance(config_file, Path)
    assert isinstance(overrides, tuple)
    settings = load_settings(config_file, overrides, model, sha256).settings
    good = True
    checks: list[tuple[str, Callable[[], str]]] = selfcheck.checks(settings)
    for title, check in checks:
        try:
            words, passed = check(), True
        except selfcheck.Failed as failed:
            words, passed = str(failed), False
        good = good and passed
        click.echo(f"{'ok  ' if passed else 'FAIL'}  {title}: {words}")
    return EXIT_OK if good else EXIT_SOME_FAILED
