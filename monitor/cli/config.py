"""``apexbeat config``: every setting, its value, and where it came from."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli.common import load_settings, setting_options


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--path", "only_path", is_flag=True, help="Print only the path of the settings file.")
@click.option("--alarms", "alarm_table", is_flag=True, help="The alarm table, in Markdown.")
@click.option("--save", is_flag=True, help="Save the --set values in the settings file.")
@setting_options
def config(
    as_json: bool,
    only_path: bool,
    alarm_table: bool,
    save: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Show the settings in force and where each came from."""
    import msgspec

    from monitor.config import load as st

    if only_path:
        click.echo(str(config_file or st.default_path()))
        return
    if save:
        from monitor.config.edit import remember

        config_file = config_file or st.default_path()
        remember(st.parse_options(overrides), config_file)
        overrides = ()
    loaded = load_settings(config_file, overrides)
    if alarm_table:
        from monitor.alarms.table import rows as alarm_rows

        head, *body = alarm_rows(loaded.settings.alarms)
        for row in (head, ("---",) * len(head), *body):
            click.echo(f"| {' | '.join(row)} |")
        return
    values = msgspec.to_builtins(loaded.settings)
    words = st.describe()
    rows = []
    for key in st.names():
        section, _, name = key.partition(".")
        rows.append((key, values[section][name], loaded.origin[key], words[key]))
    if as_json:
        table = {key: {"value": value, "from": origin} for key, value, origin, _ in rows}
        click.echo(msgspec.json.format(msgspec.json.encode(table)).decode())
        return
    click.echo(f"# {loaded.path}{'' if loaded.path.is_file() else ' (there is none yet)'}")
    section = ""
    for key, value, origin, text in rows:
        table_name, _, name = key.partition(".")
        if table_name != section:
            section = table_name
            click.echo(f"\n[{section}]")
        shown = f"{name} = {msgspec.json.encode(value).decode()}"
        click.echo(f"{shown:<32}  # {text} ({origin})")
