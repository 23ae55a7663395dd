"""``apexbeat log``: what was recorded; a shift in short; what was not sounded; deleting it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.common import load_settings, session_names, setting_options, store_option

if TYPE_CHECKING:
    from monitor.config.load import Settings
    from monitor.record.store import Archive, SessionRow

DEFAULT = "show"


@dataclass(frozen=True)
class Place:
    """Where the record lies, and the settings in force."""

    folder: Path
    settings: Settings


class LogCommands(click.Group):
    """Commands on the record; without the name of one, ``show`` is meant."""

    def named(self, args: list[str]) -> list[str]:
        """Put the name of the default command before what is none."""
        return args if args and args[0] in self.commands else [DEFAULT, *args]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments, of the default command too."""
        if not args or args[0] not in ctx.help_option_names:
            args = self.named(args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of the default command, then the commands."""
        self.commands[DEFAULT].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def place_options(function: Callable[..., Any]) -> Any:
    """Add ``--store`` and the options of settings; the function gets them as a `Place`."""

    @wraps(function)
    def with_place(
        *args: Any,
        store: Path | None,
        config_file: Path | None,
        overrides: tuple[str, ...],
        **more: Any,
    ) -> Any:
        from monitor.config.paths import store_folder

        settings = load_settings(config_file, overrides).settings
        return function(*args, place=Place(store_folder(store, settings), settings), **more)

    return store_option(setting_options(with_place))


@click.group("log", cls=LogCommands, subcommand_metavar="[SESSION] | COMMAND [ARGS]...")
def log() -> None:
    """Show the log of SESSION (an id, the beginning of one, or "last"); by default the newest."""


@log.command(DEFAULT, short_help="Lines of a session (the default).")
@click.argument("session", required=False, shell_complete=session_names)
@click.option("--follow", is_flag=True, help="Keep printing new lines; Ctrl-C ends it.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, each with session and time.")
@click.option("--all", "everything", is_flag=True, help="Also beats, windows and vitals.")
@click.option("--sessions", "only_sessions", is_flag=True, help="List the sessions only.")
@place_options
def show(
    session: str | None,
    follow: bool,
    as_json: bool,
    everything: bool,
    only_sessions: bool,
    place: Place,
) -> int:
    """Show the log of SESSION (an id, the beginning of one, or "last"); by default the newest."""
    from monitor.cli.log_lines import follow_lines, print_session, print_sessions

    with _open(place) as (archive, rows):
        if only_sessions:
            print_sessions(rows, as_json)
            return 0
        row = _one(archive, rows, session)
        last = print_session(archive, row, as_json, everything)
        if follow:
            follow_lines(archive, row, last, as_json, everything)
    return 0


@log.command("shift", short_help="The last hours in short.")
@click.option("--hours", default=8.0, show_default=True, help="How far back.")
@click.option("--until", metavar="TIME", help="End of the shift (ISO 8601, local). [now]")
@place_options
def shift(
    hours: float,
    until: str | None,
    place: Place,
) -> int:
    """Sum up a shift: time monitored and lost, quality, rate, verdicts, alarms, what is open."""
    from monitor.cli.log_shift import print_shift

    with _open(place) as (archive, rows):
        print_shift(archive, rows, hours, until)
    return 0


@log.command("suppressed", short_help="Alarms that made no sound, with the reason.")
@click.argument("session", required=False, shell_complete=session_names)
@place_options
def suppressed(
    session: str | None,
    place: Place,
) -> int:
    """List alarms of SESSION that were not raised, held back or not sounded, with the reason."""
    from monitor.cli.log_suppressed import print_suppressed

    with _open(place) as (archive, rows):
        print_suppressed(archive, _one(archive, rows, session))
    return 0


@log.command("purge", short_help="Delete what was recorded.")
@click.argument("sessions", nargs=-1, metavar="[SESSION]...", shell_complete=session_names)
@click.option("--all", "everything", is_flag=True, help="Every session.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@place_options
def purge(
    sessions: tuple[str, ...],
    everything: bool,
    yes: bool,
    place: Place,
) -> int:
    """Delete sessions with their events, labels, sound and clips; the file is made small again.

    Without a SESSION: what is older than record.event_days and record.sound_days. It cannot be
    undone, and is refused while a monitor runs on the store.
    """
    from monitor.cli.log_purge import run_purge

    return run_purge(place.folder, place.settings.record, sessions, everything, yes)


@log.command("label", short_help="A name for a session, in the store only.")
@click.argument("session", shell_complete=session_names)
@click.option("--show", is_flag=True, help="Only show it.")
@place_options
def label(
    session: str,
    show: bool,
    place: Place,
) -> int:
    """Give SESSION a label, such as a patient's name, read from standard input.

    The label is kept in the store only and appears in no log, file name, export, report or
    message. An empty label removes it. Refused while a monitor is using the store.
    """
    from monitor.cli.log_label import set_label

    with _open(place) as (archive, rows):
        row = _one(archive, rows, session)
    if show:
        from monitor.text import harmless

        click.echo(harmless(row.label or ""))
        return 0
    return set_label(place.folder, row.id)


@contextmanager
def _open(place: Place) -> Iterator[tuple[Archive, list[SessionRow]]]:
    from monitor.errors import NoInputError
    from monitor.record.schema import VERSION
    from monitor.record.store import Archive

    with Archive(place.folder) as archive:
        if archive.version > VERSION:
            click.echo("apexbeat: the record is of a newer version, and is only read", err=True)
        rows = archive.sessions()
        if not rows:
            raise NoInputError("nothing has been recorded yet", "start 'apexbeat live'")
        yield archive, rows


def _one(archive: Archive, rows: list[SessionRow], session: str | None) -> SessionRow:
    from monitor.errors import NoInputError
    from monitor.text import harmless

    row = rows[0] if session is None else archive.session(session)
    if row is None:
        several = [r.id for r in rows if r.id.startswith(session or "")]
        what = f"{len(several)} sessions begin with" if several else "there is no session"
        raise NoInputError(
            f"{what} {harmless(session or '')}", "'apexbeat log --sessions' lists them"
        )
    return row
