"""``apexbeat exam``: one person, place by place, and a page at the end."""

from __future__ import annotations

import contextlib
import select
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import load_settings, model_options, setting_options
from monitor.cli.live import PhantomOption, phantom_names
from monitor.config.profiles import PROFILES, Profile
from monitor.errors import EXIT_INTERRUPTED, EXIT_OK, DeviceError, NoInputError, UsageError
from monitor.text import harmless

if TYPE_CHECKING:
    from monitor.capture.driver import Driver
    from monitor.clock import Clock
    from monitor.config.load import Settings
    from monitor.exam.folder import Person
    from monitor.exam.listening import Progress
    from monitor.replay.rows import Row

BAR = 12
BAR_DB = 60.0
PLACES = ("aortic", "pulmonic", "Erb", "tricuspid", "mitral")
ENDS = ("q", "quit", "end")
STRAY_S = 0.7
"""A key so soon after the end of a place was meant for that."""


@click.command("exam")
@click.option(
    "--device", metavar="NAME|ID|REGEX", help="Input device; 'apexbeat devices' lists them."
)
@click.option("--phantom", metavar="NAME", cls=PhantomOption, shell_complete=phantom_names)
@click.option("--age", type=click.Choice(list(PROFILES)), help="Age group. [it is asked for]")
@click.option(
    "--places",
    default=",".join(PLACES),
    show_default=True,
    help="Places of auscultation, in this order; others can be typed on the way.",
)
@click.option(
    "--limit",
    type=click.FloatRange(5, 600),
    default=60.0,
    show_default=True,
    help="Seconds at a place at most; it ends by itself when enough is heard.",
)
@click.option("--pdf", is_flag=True, help="The page as a PDF too (needs the extra apexbeat[pdf]).")
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIR",
    help="New folder of this examination. [exams/TIME in the platform's data folder]",
)
@model_options
@setting_options
def exam(
    device: str | None,
    phantom: str | None,
    age: str | None,
    places: str,
    limit: float,
    pdf: bool,
    folder: Path | None,
    model: Path | None,
    sha256: str | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
) -> int:
    """Examine one person: listen place by place, and write one page with a verdict over all.

    It asks who is examined (an id, a note, the age group) and then says where to put the
    stethoscope. Enter begins a place; s leaves it out; q ends the examination; any other words
    are the name of another place, such as "mitral, left side". Nothing of one place goes into the
    next. A place that could not be judged is asked for again. A research and teaching instrument,
    not a medical device.

    \b
    apexbeat exam --device 'USB' --age child
    apexbeat exam --phantom murmur -o trial
    """  # fmt: skip
    if (device is None) == (phantom is None):
        raise UsageError("name --device or --phantom", "'apexbeat devices' lists the devices")
    settings = load_settings(config_file, overrides, model, sha256).settings
    if folder is None:
        from monitor.config.paths import store_folder

        now = f"{datetime.now():%Y%m%dT%H%M%S}"
        folder = store_folder(None, settings) / "exams" / now
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", "name a new folder with -o")
    if pdf:
        from monitor.record.export.extras import need

        need("weasyprint", "a PDF", "pdf")  # before anybody is examined
    source = f"device:{device}" if device is not None else f"phantom:{phantom}"
    from monitor.clock import SystemClock
    from monitor.exam.folder import Person
    from monitor.live.source import driver_for

    clock = SystemClock()
    driver = driver_for(source, settings.capture, clock)  # a name that is wrong is said now

    who, note = _ask("id (may be empty): ") or "", _ask("note (may be empty): ") or ""
    age = age or _ask_age(settings.alarms.profile)
    settings = load_settings(
        config_file, (*overrides, f"alarms.profile={age}"), model, sha256
    ).settings
    person = Person(who, note, age)
    wanted = [name.strip() for name in places.split(",") if name.strip()]
    return _examine(driver, clock, settings, person, wanted, limit, folder, pdf)


def _examine(
    driver: Driver,
    clock: Clock,
    settings: Settings,
    person: Person,
    wanted: list[str],
    limit_s: float,
    folder: Path,
    pdf: bool,
) -> int:
    from monitor.analysis.verdict import Thresholds
    from monitor.assembly import open_models
    from monitor.exam.folder import ExamFolder
    from monitor.exam.listening import Listening, listen

    models = open_models(settings)
    assert models.engine is not None
    thresholds = Thresholds.of(models.engine.contract)
    done = ExamFolder(folder, person, datetime.now().astimezone(), thresholds)
    done.make()  # before anybody is examined
    plan = Plan(wanted)
    code = EXIT_OK
    try:
        while (place := plan.next()) is not None:
            begun, show = datetime.now().astimezone(), _Line(place)
            try:
                with Listening(driver, clock) as capture:
                    heard = listen(
                        capture, place, settings, models, clock,
                        limit_s=limit_s, stop=_pressed(), tell=show.progress,
                    )  # fmt: skip
            except DeviceError as error:
                click.echo(f"apexbeat: {harmless(str(error), 400)}", err=True)
                continue
            row = done.add(heard, begun)
            show.end(row)
            plan.heard(place, judged=row.verdict != "none")
            _forget_keys(clock)
    except KeyboardInterrupt:
        click.echo("\napexbeat: interrupted; the places that were heard are kept", err=True)
        code = EXIT_INTERRUPTED
    if not len(done):
        with contextlib.suppress(OSError):
            folder.rmdir()
        raise NoInputError("no place was heard", "Enter begins a place")
    verdict, files = done.finish(pdf)
    words = harmless(verdict.evidence, 400)
    click.echo(f"\n{verdict.scope} places: {verdict.value.upper()}  {words}")
    for path in files:
        click.echo(harmless(str(path), 4096))
    return code


class Plan:
    """Which place comes next: the person who examines says so.

    Parameters
    ----------
    wanted
        Places in the usual order.
    """

    def __init__(self, wanted: list[str]) -> None:
        self._left = list(wanted)

    def next(self) -> str | None:
        """Ask for the place to listen at; None ends the examination."""
        while self._left:
            place = self._left[0]
            words = _ask(f"\n{place}: Enter listens, s leaves it out, q ends, or another place: ")
            if words is None or words.lower() in ENDS:
                return None
            if not words:
                return place
            if words.lower() != "s":
                return self._named(words)
            self._left.pop(0)
        words = _ask("\nanother place (Enter ends): ")
        return self._named(words) if words and words.lower() not in ENDS else None

    def heard(self, place: str, judged: bool) -> None:
        """A place was heard; one that could not be judged comes next again."""
        if place in self._left:
            self._left.remove(place)
        if not judged:
            self._left.insert(0, place)

    def _named(self, words: str) -> str:
        known = (one for one in self._left if one.lower() == words.lower())
        return next(known, harmless(words, 60))


def _ask(words: str) -> str | None:
    """A line from standard input; None at its end."""
    click.echo(words, nl=False, err=True)
    line = sys.stdin.readline()
    return line.strip() if line else None


def _ask_age(usual: Profile) -> Profile:
    """The age group, asked for until it is one; Enter takes ``usual``."""
    while True:
        words = _ask(f"age group: {', '.join(PROFILES)} [{usual}]: ") or usual
        found = [group for group in PROFILES if group.startswith(words.lower())]
        if len(found) == 1:
            return found[0]


def _pressed() -> Callable[[], bool]:
    """Tell whether Enter was pressed since, on a terminal."""
    if not sys.stdin.isatty():
        return lambda: False

    def pressed() -> bool:
        if not select.select([sys.stdin], [], [], 0)[0]:
            return False
        sys.stdin.readline()
        return True

    return pressed


def _forget_keys(clock: Clock) -> None:
    """An Enter that was meant to end a place, and came just after it had ended, begins no other."""
    if sys.stdin.isatty():
        import termios

        clock.sleep(STRAY_S)
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


class _Line:
    """What is seen of a place while it is heard."""

    def __init__(self, place: str) -> None:
        self._place, self._live = place, sys.stderr.isatty()
        self._width = shutil.get_terminal_size().columns - 1

    def progress(self, now: Progress) -> None:
        """Draw the line anew."""
        if not self._live:
            return
        share = 0.0 if now.level_db is None else max(0.0, 1 + now.level_db / BAR_DB)
        bar = "█" * round(BAR * min(share, 1.0))
        level = f"{bar:{BAR}}" if now.level_db is not None else f"{'no sound':{BAR}}"
        rate = "--" if now.rate is None else f"{now.rate:.0f}"
        lamp = "●" if now.quality == "good" else "○"
        quality = (now.quality or "listening").replace("_", " ")
        words = (
            f"{self._place:10.10} {level} {lamp} {quality:8} {rate:>3}/min"
            f"  {min(now.windows, now.wanted)}/{now.wanted} {now.verdict.upper():8}"
            f" {now.heard_s:2.0f} s, Enter ends"
        )
        click.echo("\r" + words[: self._width].ljust(self._width), nl=False, err=True)

    def end(self, row: Row) -> None:
        """Print the verdict of the place."""
        if self._live:
            click.echo("\r" + " " * self._width + "\r", nl=False, err=True)
        click.echo(f"{self._place}: {(row.verdict or 'none').upper()}  {row.evidence}")
