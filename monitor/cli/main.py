"""The command ``apexbeat``: a table of commands, each loaded when it is called.

Errors that a user can meet are one line on stderr and an exit code (``monitor.errors``);
``--debug`` shows where they came from.
"""

from __future__ import annotations

import errno
import os
import sys
from difflib import get_close_matches

import click

from monitor.cli.lazy import LazyGroup, Table
from monitor.errors import EXIT_INTERRUPTED, EXIT_RECORD, EXIT_USAGE, ApexbeatError, UsageError
from monitor.system.standard_streams import fill_standard_streams, output_refused
from monitor.text import harmless

COMMANDS: Table = {
    "replay": ("monitor.cli.replay:replay", "Analyse recordings: cycles, rate, verdict, alarms."),
    "live": ("monitor.cli.live:live", "Monitor a stethoscope (or a synthetic heart) on a screen."),
    "attach": ("monitor.cli.attach:attach", "Open the screen of a running monitor."),
    "devices": ("monitor.cli.devices:devices", "List input devices."),
    "exam": ("monitor.cli.exam:exam", "Examine one person, place by place, into one page."),
    "listen": ("monitor.cli.listen:listen", "Play the sound of a running monitor."),
    "log": ("monitor.cli.log:log", "Show the log: alarms, quality, gaps, faults."),
    "export": ("monitor.cli.export:export", "Write a session as CSV, WFDB, EDF+, FHIR."),
    "archive": ("monitor.cli.archive:archive", "Analyse a whole folder tree into one result file."),
    "ward": ("monitor.cli.ward:ward", "Show many beds on one screen, over MQTT."),
    "report": ("monitor.cli.report:report", "Write a report of a session (HTML or PDF)."),
    "config": ("monitor.cli.config:config", "Show the settings in force and where they came from."),
    "selftest": (
        "monitor.cli.selftest:selftest",
        "Check this installation, the alarms or a device.",
    ),
}
ON_WINDOWS = os.name == "nt"
POSIX_ONLY = frozenset({"live", "attach", "exam", "listen", "ward"})
"""They need a terminal, sockets and signals as Linux and macOS have them."""

NOTICE = "A research and teaching instrument, not a medical device."


class Commands(LazyGroup):
    """Commands of the table; some need another system, and a misspelt one is told what is near."""

    table = COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, if this system can run it."""
        if ON_WINDOWS and cmd_name in POSIX_ONLY:
            raise UsageError(
                f"'apexbeat {cmd_name}' needs Linux or macOS", "on Windows, replay recordings"
            )
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; of a misspelt one say which is near."""
        near = get_close_matches(args[0], COMMANDS)
        if args[0] in COMMANDS or args[0].startswith("-") or not near:
            return super().resolve_command(ctx, args)
        raise UsageError(f"no command {harmless(args[0], 60)}", f"is it '{near[0]}'?")

    def invoke(self, ctx: click.Context) -> object:
        """Run; an interrupt goes on as click's own, which prints nothing more."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise click.exceptions.Abort from None


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from monitor.version import version

    click.echo(f"apexbeat {version()}")
    ctx.exit()


@click.group(
    cls=Commands,
    help=f"Monitor heart sounds, live from a stethoscope or replayed from recordings.\n\n{NOTICE}",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Hold what all commands share."""
    ctx.obj = {"debug": debug}


def complain(error: ApexbeatError) -> None:
    """Say on stderr, in one line, what went wrong and what to do."""
    click.echo(f"apexbeat: {harmless(str(error), limit=400)}", err=True)


def run(arguments: list[str]) -> int:
    """Run a command line; return its exit code."""
    debug = "--debug" in arguments
    try:
        code = cli.main(arguments, prog_name="apexbeat", standalone_mode=False)
    except ApexbeatError as error:
        if debug:
            raise
        complain(error)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return EXIT_USAGE
    except click.ClickException as error:
        click.echo(f"apexbeat: {harmless(error.format_message(), limit=400)}", err=True)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("apexbeat: interrupted", err=True)
        return EXIT_INTERRUPTED
    except OSError:
        refused = output_refused()
        if refused is None:
            raise
        return _unheard(refused)
    refused = output_refused()
    if refused is not None:
        return _unheard(refused)
    return code if isinstance(code, int) else 0


def _unheard(refused: OSError) -> int:
    """Say that standard output takes nothing, unless its reader has just gone."""
    if isinstance(refused, BrokenPipeError):
        return EXIT_INTERRUPTED
    closed = refused.errno == errno.EBADF
    words = "is closed" if closed else (refused.strerror or str(refused)).lower()
    click.echo(f"apexbeat: standard output: {words}; not all could be written", err=True)
    return EXIT_RECORD


def entry() -> None:
    fill_standard_streams()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    entry()
