"""``apexbeat replay``: recordings in, a summary each, and event files if a folder is given."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from monitor.cli.common import load_settings, model_options, setting_options
from monitor.cli.file_options import file_options, hints_of, part_of
from monitor.errors import EXIT_OK, EXIT_SOME_FAILED, InputError, NoInputError, UsageError
from monitor.events import RATE_HZ
from monitor.system.imports import large_imports
from monitor.text import harmless

if TYPE_CHECKING:
    from monitor.events import Output
    from monitor.replay.batch import Outcome
    from monitor.replay.inputs import Item


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
@click.option("--overwrite", is_flag=True, help="Replace event files that exist.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per recording on stdout.")
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
    if screen:
        others = {"--events": events, "--overwrite": overwrite, "--json": as_json, "--jobs": jobs,
                  "--watch": watch}  # fmt: skip
        wrong = [name for name, value in others.items() if value]
        if wrong:
            raise UsageError(f"--screen and {wrong[0]} cannot be used together")
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

    options = rp.Options(events, overwrite, speed, block, look, hints, part)
    if watch:
        from monitor.cli.replay_watch import follow

        with _terminated():
            return follow(inputs, loaded.settings, options, Shown(as_json, 0))
    found = collect(inputs, hints)
    files = found.files
    rp.check(files, options)
    shown = Shown(as_json, len(files))
    for words in found.told:
        click.echo(f"apexbeat: {harmless(words, 400)}", err=True)
    for path, error in found.failed:
        shown.outcome(rp.Outcome(path, None, error))
    if files:
        count = rp.processes(len(files), jobs)
        with _terminated(), shown.following(files, count) as seen:
            for outcome in rp.replay_all(files, loaded.settings, options, jobs=jobs, seen=seen):
                shown.outcome(outcome)
    return shown.end()


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


class Shown:
    """What a person, or a program, sees of the outcomes."""

    def __init__(self, as_json: bool, count: int) -> None:
        self._as_json, self._count = as_json, count
        self._good = self._bad = 0
        self._sound_s = 0.0
        self._began = time.perf_counter()
        self._bar: Any = None
        self._task: Any = None
        self._unicode = _can_show("⣿")

    @contextmanager
    def following(self, items: list[Item], processes: int) -> Iterator[Callable[[Output], None]]:
        """Show how far it is; yield what takes the findings of a file on this process.

        A bar on stderr if that is a terminal; of a stream each change as it comes.
        """
        alone = len(items) == 1
        if alone and is_live(items[0].path):
            from monitor.cli.changes import Changes

            yield (lambda output: None) if self._as_json else Changes(click.echo).take
            return
        if not sys.stderr.isatty():
            yield lambda output: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %") if alone else MofNCompleteColumn(),
            Remaining(),
            console=Console(stderr=True),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        words = harmless(items[0].name, 40) if alone else f"{processes} at once"
        total = _duration(items[0].path) if alone else len(items)
        self._task = self._bar.add_task(words.replace("[", "\\["), total=total)

        def seen(output: Output) -> None:
            if alone:
                self._bar.update(self._task, completed=output.events[-1].index / RATE_HZ)

        with self._bar:
            yield seen
        self._bar = None

    @property
    def failed(self) -> bool:
        """Whether an input could not be judged."""
        return self._bad > 0

    def outcome(self, outcome: Outcome) -> None:
        """Print one outcome: a summary on stdout, or a line on stderr."""
        if outcome.summary is None:
            self._bad += 1
        else:
            self._good += 1
            for words in outcome.summary.warnings:
                self._warn(outcome.path, words)
            self._sound_s += outcome.summary.duration_s
        if self._bar is None:
            self._print(outcome)
            return
        self._bar.stop()
        self._print(outcome)
        self._bar.start()
        if self._count > 1:
            self._bar.update(self._task, advance=1)

    def _warn(self, path: Path, words: str) -> None:
        if self._bar is not None:
            self._bar.stop()
        click.echo(f"apexbeat: {harmless(f'{path}: {words}', 400)}", err=True)
        if self._bar is not None:
            self._bar.start()

    def _print(self, outcome: Outcome) -> None:
        if outcome.summary is None:
            click.echo(f"apexbeat: {harmless(outcome.error, 400)}", err=True)
        if self._as_json:
            import msgspec

            content = {"file": harmless(str(outcome.path), 4096)}
            if outcome.summary is None:
                content["error"] = harmless(outcome.error, 400)
            else:
                content |= msgspec.to_builtins(outcome.summary)
            click.echo(msgspec.json.encode(content).decode())
        elif outcome.summary is not None:
            from monitor.cli.words import lines

            for line in lines(outcome.summary, self._unicode):
                click.echo(line if self._unicode else _ascii(line))
            click.echo()

    def end(self) -> int:
        """Say how it went as a whole; return the exit code."""
        took = time.perf_counter() - self._began
        if self._good + self._bad > 1 and not self._as_json:
            words = f"{self._good} analysed" + (f", {self._bad} failed" if self._bad else "")
            times = self._sound_s / took if took > 0 else 0
            click.echo(
                f"{words}: {self._sound_s / 3600:.2f} h of sound in {took:.0f} s, "
                f"{times:.0f} × real time",
                err=True,
            )
        if not self._good:
            raise NoInputError("no usable input", "see above")
        return EXIT_SOME_FAILED if self._bad else EXIT_OK


def is_live(path: Path) -> bool:
    """Whether an input is a stream, which is heard as it comes."""
    from monitor.decoding.pipe import is_stream

    try:
        return is_stream(path)
    except OSError:
        return False


def _duration(path: Path) -> float | None:
    from monitor.capture.files import FileSource

    try:
        with FileSource(path) as source:
            return source.duration_s
    except InputError:
        return None  # the replay says it in words


def _can_show(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _ascii(line: str) -> str:
    for fancy, plain in (("≥", ">="), ("–", "-"), ("×", "x"), ("…", "..."), ("�", "?")):
        line = line.replace(fancy, plain)
    return line.encode("ascii", "replace").decode()
