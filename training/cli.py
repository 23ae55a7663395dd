"""``apexbeat-train``: everything offline, one command each; imports happen inside the commands."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from monitor.cli.lazy import LazyGroup, Table

COMMANDS: Table = {
    "fetch": ("training.commands:fetch", "Download the public data set, checked and resumable."),
    "phantoms": ("training.commands:phantoms", "Write a small data set of synthetic hearts."),
    "prepare": ("training.commands:prepare",
        "Run the monitor's signal chain over every recording; check your labels."),
    "teacher": ("training.commands:teacher", "Train a teacher."),
    "student": ("training.commands:student", "Train a student from the labels alone."),
    "distill": ("training.commands:distill", "Train a student with its teachers (distillation)."),
    "grid": ("training.commands:grid",
        "Train and score the folds of a protocol; resumes where it stopped."),
    "evaluate": ("training.measures:evaluate",
        "Figures of a system, per recording, with intervals."),
    "compare": ("training.measures:compare",
        "Compare two systems: paired difference, interval, p."),
    "report": ("training.measures:report", "Write the result tables."),
    "check": ("training.measures:check", "Run the held-out recordings through the whole monitor."),
    "export": ("training.commands:export",
        "Train on everything and write the model file with its card."),
    "finetune": ("training.commands:finetune",
        "Train the shipped student further on your own recordings."),
    "alarms": ("training.alarms.cli:alarms",
        "False alarms per hour, subjects alarmed, time to alarm."),
    "hearing": ("training.hearing:hearing",
        "Verdicts, rates and false alarms of hearts and of sounds without one."),
    "segmentation": ("training.segmentation.cli:segmentation", "Fit the heart-cycle decoder."),
    "evaluate-segmentation": ("training.segmentation.cli:evaluate_segmentation",
        "Score the heart-cycle decoder."),
}  # fmt: skip


class Commands(LazyGroup):
    """Commands of the table, in the order of work."""

    table = COMMANDS


@click.group(cls=Commands)
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
