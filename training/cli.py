"""``apexbeat-train``: everything offline, one command each; imports happen inside the commands."""

from __future__ import annotations

import importlib
import sys
from typing import NoReturn

import click

COMMANDS = {
    "fetch": "training.commands:fetch",
    "phantoms": "training.commands:phantoms",
    "prepare": "training.commands:prepare",
    "teacher": "training.commands:teacher",
    "student": "training.commands:student",
    "distill": "training.commands:distill",
    "grid": "training.commands:grid",
    "evaluate": "training.measures:evaluate",
    "compare": "training.measures:compare",
    "report": "training.measures:report",
    "check": "training.measures:check",
    "export": "training.commands:export",
    "finetune": "training.commands:finetune",
    "alarms": "training.alarms.cli:alarms",
    "hearing": "training.hearing:hearing",
    "segmentation": "training.segmentation.cli:segmentation",
    "evaluate-segmentation": "training.segmentation.cli:evaluate_segmentation",
}
HELP = {
    "fetch": "Download the public data set, checked and resumable.",
    "phantoms": "Write a small data set of synthetic hearts.",
    "prepare": "Run the monitor's signal chain over every recording; check your labels.",
    "teacher": "Train a teacher.",
    "student": "Train a student from the labels alone.",
    "distill": "Train a student with its teachers (distillation).",
    "grid": "Train and score the folds of a protocol; resumes where it stopped.",
    "evaluate": "Figures of a system, per recording, with intervals.",
    "compare": "Compare two systems: paired difference, interval, p.",
    "report": "Write the result tables.",
    "check": "Run the held-out recordings through the whole monitor.",
    "export": "Train on everything and write the model file with its card.",
    "finetune": "Train the shipped student further on your own recordings.",
    "alarms": "False alarms per hour, subjects alarmed, time to alarm.",
    "hearing": "Verdicts, rates and false alarms of hearts and of sounds without one.",
    "segmentation": "Fit the heart-cycle decoder.",
    "evaluate-segmentation": "Score the heart-cycle decoder.",
}


class LazyGroup(click.Group):
    """Loads a command's module when it is called, so that ``--help`` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, HELP[name]) for name in COMMANDS])


@click.group(cls=LazyGroup)
@click.version_option(package_name="apexbeat")
def cli() -> None:
    """Train, distil, measure and export the models of Apexbeat (not a medical device)."""


def entry() -> NoReturn:
    """Run; errors that a user can put right are one line on stderr."""
    from training.errors import TrainingError

    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.Abort:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    sys.exit(0)
