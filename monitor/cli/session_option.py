"""What `export` and `report` share: which session, its sound, its wall time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from monitor.cli.common import load_settings, session_names, setting_options, store_option

if TYPE_CHECKING:
    from monitor.record.export.model import Record

F = TypeVar("F", bound=Callable[..., Any])


def session_options(function: F) -> F:
    """Add the argument SESSION and ``--audio``, ``--start``, ``--store``, ``--config``, ``--set``.

    They are handed on as ``session``, ``audio``, ``start``, ``store``, ``config_file`` and
    ``overrides``, for `read_session`.
    """
    options = (
        click.option(
            "--audio",
            type=click.Path(path_type=Path, exists=True),
            metavar="FILE",
            help="Sound of the session, if the store does not have it.",
        ),
        click.option(
            "--start",
            metavar="TIME",
            help="Wall time of the first sample (ISO 8601; UTC without a zone).",
        ),
        store_option,
    )
    for option in reversed(options):
        function = option(function)
    return click.argument("session", shell_complete=session_names)(setting_options(function))


def read_session(
    session: str,
    audio: Path | None,
    start: str | None,
    store: Path | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> Record:
    """Read what the options speak of.

    Raises
    ------
    ApexbeatError
        If an option, the file or the session is wrong.
    """
    from monitor.config.paths import store_folder
    from monitor.record.export.open import open_session

    folder = store_folder(store, load_settings(config_file, overrides).settings)
    return open_session(session, audio, parse_start(start), folder)


def parse_start(text: str | None) -> datetime | None:
    """Read a wall time; without a zone it is UTC.

    Raises
    ------
    UsageError
        If it is not a date.
    """
    from monitor.errors import UsageError
    from monitor.text import clean

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--start {clean(text, 60)} is not a date", "write it as 2026-05-04T03:02:01+02:00"
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
