"""A group of commands, each imported when it is called, so that ``--help`` answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

Table = Mapping[str, tuple[str, str]]
"""Command → (module:function, its line of help)."""


class LazyGroup(click.Group):
    """Commands of a table, in its order; a subclass names the table."""

    table: Table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in self.table.items()])
