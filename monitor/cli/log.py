"""``apexbeat log``: what was recorded: sessions, alarms with both times, gaps, marks."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import load_settings, setting_options


@click.command("log")
@click.argument("session", required=False)
@click.option("--follow", is_flag=True, help="Go on as new lines come; Ctrl-C ends it.")
@click.option("--json", "as_json", is_flag=True, help="Event lines as JSON, each with its session.")
@click.option("--all", "everything", is_flag=True, help="Beats, windows and vitals too.")
@click.option("--sessions", "only_sessions", is_flag=True, help="Sessions only.")
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the record. [the platform's data folder]",
)
@setting_options
def log(
    session: str | None,
    follow: bool,
    as_json: bool,
    everything: bool,
    only_sessions: bool,
    store: Path | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """List what was recorded: of SESSION (an id or its beginning), or of the newest one."""
    from monitor.cli.log_lines import follow_lines, print_session, print_sessions
    from monitor.errors import NoInputError
    from monitor.place import store_folder
    from monitor.record.store import Archive

    archive = Archive(store_folder(store, load_settings(config_file, overrides).settings))
    rows = archive.sessions()
    if not rows:
        raise NoInputError("nothing was recorded yet", "start 'apexbeat live'")
    if only_sessions:
        print_sessions(rows, as_json)
        return 0
    row = rows[0] if session is None else archive.session(session)
    if row is None:
        several = [r.id for r in rows if r.id.startswith(session or "")]
        what = f"{len(several)} sessions begin with" if several else "there is no session"
        raise NoInputError(f"{what} {session}", "'apexbeat log --sessions' lists them")
    last = print_session(archive, row, as_json, everything)
    if follow:
        follow_lines(archive, row, last, as_json, everything)
    return 0
