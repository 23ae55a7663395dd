"""``apexbeat replay``: recordings in, a summary each, and event files if a folder is given."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from monitor.cli.common import load_settings, model_options, setting_options
from monitor.cli.file_options import file_options, hints_of, part_of
from monitor.cli.replay_output import ReplayOutput, Wanted
from monitor.errors import NoInputError, RecordError, UsageError
from monitor.system.imports import large_imports
from monitor.system.memory import settle
from monitor.text import harmless

if TYPE_CHECKING:
    from monitor.analysis.verdict import Thresholds
    from monitor.config.load import Settings


def _speed(_ctx: click.Context, _param: click.Parameter, value: str) -> float | None:
    if value == "fast":
        return None
    if value == "realtime":
        return 1.0
    try:
        speed = float(value.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not (value.endswith("x") and 0 < speed < 1e6):
        raise click.BadParameter(f"{value!r} is none of fast, realtime, 4x (or another factor)")
    return speed


@click.command()
@click.argument("inputs", nargs=-1, type=click.Path(path_type=Path), metavar="FILE|FOLDER…")
@click.option(
    "--pace",
    "speed",
    default="fast",
    callback=_speed,
    metavar="fast|realtime|4x",
    help="Speed of the replay; results do not depend on it.",
)
@click.option(
    "--events",
    type=click.Path(path_type=Path),
    default=None,
    metavar="DIR",
    help="Write an event file (JSON lines) of each recording into this folder.",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per recording on stdout.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write the table of all recordings.",
)
@click.option(
    "--labels",
    "label_file",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="CSV",
    help="Compare with labels (columns file, label and perhaps person).",
)
@click.option(
    "--normal",
    multiple=True,
    metavar="WORD",
    help="Label that means normal, every other one abnormal; may be repeated.",
)
@click.option(
    "--person",
    default=None,
    metavar="COLUMN|PATTERN|folder",
    help="One verdict per person too: a column of the labels, the first group of a regular"
    " expression over the path, or the name of the folder.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=None,
    metavar="N",
    help="Number of processes. [all cores for many files]",
)
@click.option("--screen", is_flag=True, help="Show one file on the screen, at real-time pace.")
@click.option(
    "--annotation",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="With --screen: annotated S1 and S2 to compare with (.csv, .tsv, .txt, .jsonl).",
)
@click.option(
    "--watch", is_flag=True, help="Follow a folder: judge each file when it is whole. Ctrl-C ends."
)
@click.option(
    "--channel",
    type=click.IntRange(0),
    default=None,
    help="Channel to analyse, from 1; 0 mixes all. [the best of all is chosen]",
)
@file_options
@click.option("--block", type=click.IntRange(1), default=None, hidden=True)
@model_options
@setting_options
def replay(
    inputs: tuple[Path, ...],
    speed: float | None,
    events: Path | None,
    overwrite: bool,
    as_json: bool,
    csv_file: Path | None,
    label_file: Path | None,
    normal: tuple[str, ...],
    person: str | None,
    jobs: int | None,
    screen: bool,
    annotation: Path | None,
    watch: bool,
    channel: int | None,
    start: str | None,
    duration: str | None,
    rate: int | None,
    raw: str | None,
    block: int | None,
    model: Path | None,
    sha256: str | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Analyse recordings: cycles, rate, signal, verdict, alarms.

    Reads WAV, FLAC, Ogg, MP3, AIFF and what else libsndfile knows, WFDB records (.hea), EDF+,
    BDF, .mat and .npy, and with the extra apexbeat[media] or ffmpeg what phones write (m4a, mp4,
    3gp, amr ...). A folder is searched for all of them. Of a damaged file what is there is judged
    and marked as incomplete. With --screen one file is shown like a live session. A research and
    teaching instrument, not a medical device.

    \b
    apexbeat replay recordings/ --events out
    apexbeat replay study/ --csv table.csv --labels labels.csv --person patient
    apexbeat replay study/ --person '(\\d+)_(?:AV|PV|TV|MV)'
    apexbeat replay long.wav --start 1:30:00 --duration 10:00
    arecord -f S16_LE -r 4000 | apexbeat replay -
    apexbeat replay inbox/ --watch --json
    """  # fmt: skip
    hints, part = hints_of(rate, raw), part_of(start, duration)
    if channel is not None:
        overrides = (*overrides, f"analysis.channel={channel}")
    loaded = load_settings(config_file, overrides, model, sha256)
    look = loaded.origin["analysis.channel"] == "default"
    if not inputs:
        raise NoInputError("no input given", "name audio files or folders with audio")
    tables = {"--csv": csv_file, "--labels": label_file, "--person": person}
    if screen:
        others = {"--events": events, "--overwrite": overwrite, "--json": as_json, "--jobs": jobs,
                  "--watch": watch, **tables}  # fmt: skip
        _refuse("--screen", others)
        given = click.get_current_context().get_parameter_source("speed")
        if speed is None and given is ParameterSource.COMMANDLINE:
            raise UsageError("--screen cannot go at --pace fast", "name a factor, such as 16x")
        from monitor.cli.replay_screen import show

        pace = 1.0 if speed is None else speed
        return show(inputs, loaded.settings, pace, annotation, look, hints, part)
    if annotation is not None:
        raise UsageError("--annotation needs --screen")
    with large_imports():
        from monitor.replay import batch as rp
        from monitor.replay.inputs import collect

    settle()
    options = rp.Options(events, overwrite, speed, block, look, hints, part)
    if watch:
        _refuse("--watch", tables)
        from monitor.cli.replay_watch import follow

        with _terminated():
            return follow(inputs, loaded.settings, options, ReplayOutput(as_json))
    wanted = _wanted(csv_file, overwrite, label_file, normal, person)
    found = collect(inputs, hints)
    files = found.files
    rp.check(files, options)
    wanted.check([item.path for item in files])
    names = [item.name for item in files] + [path.name for path, _ in found.failed]
    shown = ReplayOutput(as_json, names, wanted)
    for words in found.told:
        click.echo(f"apexbeat: {harmless(words, 400)}", err=True)
    for path, error in found.failed:
        shown.outcome(rp.Outcome(path, None, error))
    if files:
        count = rp.processes(len(files), jobs)
        with _terminated(), shown.following(files, count) as seen:
            for outcome in rp.replay_all(files, loaded.settings, options, jobs=jobs, seen=seen):
                shown.outcome(outcome)
    return shown.end(lambda: _thresholds(loaded.settings))


def _refuse(option: str, others: Mapping[str, object]) -> None:
    """Raise a UsageError if one of the others was given as well."""
    wrong = [name for name, value in others.items() if value]
    if wrong:
        raise UsageError(f"{option} and {wrong[0]} cannot be used together")


def _wanted(
    csv_file: Path | None,
    overwrite: bool,
    label_file: Path | None,
    normal: tuple[str, ...],
    person: str | None,
) -> Wanted:
    """See that tables can be read and written, before the first sound is read."""
    from monitor.replay.labels import by_path, read_labels
    from monitor.system.atomic_write import refuse_existing

    if csv_file is not None:
        refuse_existing([csv_file], overwrite)
        if not csv_file.parent.is_dir():
            raise RecordError(f"{csv_file}: no such folder", "make it, or name another file")
    if normal and label_file is None:
        raise UsageError("--normal needs --labels")
    labels = None if label_file is None else read_labels(label_file, normal, person)
    by_person = person is not None or (labels is not None and labels.has_person)
    return Wanted(csv_file, overwrite, labels, by_path(person, labels), by_person)


def _thresholds(settings: Settings) -> Thresholds:
    """Thresholds of the model that judged."""
    from monitor.analysis.verdict import Thresholds
    from monitor.assembly import open_models_once

    engine = open_models_once(settings).engine
    assert engine is not None
    return Thresholds.of(engine.contract)


@contextmanager
def _terminated() -> Iterator[None]:
    """Treat a request to end like an interrupt from the keyboard: nothing half-written."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
