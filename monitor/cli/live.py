"""``apexbeat live``: monitor a microphone or a phantom."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.common import load_settings, model_options, setting_options, store_option
from monitor.cli.web import web_options
from monitor.playing import BANDS_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.cli.web import Beside
    from monitor.config.load import Settings
    from monitor.supervise.job import Job, StartReport


ANY = "device:"
"""No device was named, and none is remembered."""


def phantom_names(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    """Names of synthetic hearts that begin so, for a shell."""
    from dsp.phantom import PRESETS

    return [name for name in sorted(PRESETS) if name.startswith(begun)]


class PhantomOption(click.Option):
    """Lists the names in the help, without loading them before."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The line of the help."""
        from dsp.phantom import PRESETS

        self.help = f"Synthetic heart instead of a device: {', '.join(sorted(PRESETS))}."
        return super().get_help_record(ctx)


@click.command("live")
@click.option(
    "--device", metavar="NAME|ID|REGEX", help="Input device; 'apexbeat devices' lists them."
)
@click.option("--phantom", metavar="NAME", cls=PhantomOption, shell_complete=phantom_names)
@click.option(
    "--listen",
    type=click.Choice([*BANDS_HZ]),
    help="Also play the heart, in this frequency band.",
)
@click.option("--headless", is_flag=True, help="Run without a screen; Ctrl-C ends the monitoring.")
@click.option(
    "--remember", is_flag=True, help="Save this device and the --set values in the settings file."
)
@click.option(
    "--record", is_flag=True, help="Also keep the raw sound, so that the session can be replayed."
)
@store_option
@web_options
@setting_options
@model_options
def live(
    device: str | None,
    phantom: str | None,
    listen: str | None,
    headless: bool,
    remember: bool,
    record: bool,
    store: Path | None,
    web: str | None,
    web_control: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
    model: Path | None,
    sha256: str | None,
) -> int:
    """Monitor a stethoscope, or a synthetic heart, on a screen.

    Without a device, and with none remembered, a guide comes first: choose a device by its level,
    check the sound, place the stethoscope, self-test.
    """
    from monitor.cli.web import check
    from monitor.config.paths import store_folder
    from monitor.errors import UsageError
    from monitor.supervise.job import Job

    if device is not None and phantom is not None:
        raise UsageError("--device and --phantom cannot be used together")
    check(web, web_control)
    if remember and phantom is not None:
        raise UsageError("--remember needs a device; a synthetic heart cannot be remembered")
    if listen is not None:
        overrides = (*overrides, f"sound.listen={listen}")
    loaded = load_settings(config_file, overrides, model, sha256)
    settings = loaded.settings
    folder = store_folder(store, settings)
    source = f"phantom:{phantom}" if phantom is not None else _device(device, settings)
    if source == ANY and not headless and web is None:
        from monitor.cli.first_start import choose

        source, wanted = choose(folder, config_file)
        remember = remember or wanted
    job = Job(
        store=str(folder),
        sources=[source],
        settings=settings,
        config=str(loaded.path.absolute()),
        record=record or settings.record.sound,
        terminal=terminal_name(),
    )
    with ExitStack() as stack:

        def then(begun: StartReport) -> None:
            if remember:
                _remember(begun, job, overrides)
            if web is not None and (page := _page(begun, web, web_control)) is not None:
                stack.callback(page.close)

        return _headless(job, then) if headless or web is not None else _with_screen(job, then)


def _device(device: str | None, settings: Settings) -> str:
    return f"device:{device if device is not None else settings.capture.device}"


def _remember(begun: StartReport, job: Job, overrides: tuple[str, ...]) -> None:
    """Write the device that was found into the settings file; where it cannot, say so and go on."""
    from monitor.config.edit import remember
    from monitor.config.load import parse_options
    from monitor.errors import UsageError
    from monitor.record.store import Archive

    with Archive(Path(job.store)) as archive:
        row = archive.session(begun.sessions[0])
    if row is None:
        return
    device = row.device.partition("@")[0]  # behind it: where it was plugged in this time
    try:
        remember({**parse_options(overrides), "capture.device": device}, Path(job.config))
    except UsageError as error:
        click.echo(f"apexbeat: not remembered: {error}", err=True)
    else:
        click.echo(f"{device} is remembered in {job.config}", err=True)


def _headless(job: Job, then: Callable[[StartReport], None]) -> int:
    from monitor.supervise.launch import log_path, supervise
    from monitor.system.background import log_lines, log_stderr

    kept = log_stderr(log_path(Path(job.store)))
    log_lines("supervisor")
    terminal = os.fdopen(kept, "w", buffering=1, errors="backslashreplace")
    times = 0

    def began(begun: StartReport) -> None:
        nonlocal times
        times += 1
        with suppress(OSError):  # a terminal that was closed is no reason to stop
            for note in begun.notes:
                print(f"apexbeat: {note}", file=terminal)
            if times == 1:
                print(f"monitoring {' '.join(begun.sessions)}; Ctrl-C ends it", file=terminal)
            else:
                print("apexbeat: the core was restarted", file=terminal)
        if times == 1:
            with redirect_stderr(terminal):
                then(begun)

    try:
        return supervise(job, began)
    finally:
        sys.stderr = terminal  # what is said last is for the person again


def _page(begun: StartReport, web: str, control: bool) -> Beside | None:
    """The web server; where it cannot begin, the monitoring goes on all the same."""
    from monitor.cli.web import Beside
    from monitor.errors import ApexbeatError

    try:
        return Beside(Path(begun.address), web, control)
    except ApexbeatError as error:
        click.echo(f"apexbeat: {error}; monitoring continues without a web page", err=True)
        return None


def _with_screen(job: Job, then: Callable[[StartReport], None]) -> int:
    from monitor.cli import leaving
    from monitor.errors import UsageError
    from monitor.supervise.launch import InterruptsHeld, spawn
    from monitor.tui import terminal

    terminal.check()  # before anything runs that could not be shown
    click.echo("starting the monitor; Ctrl-C ends it", err=True)
    with InterruptsHeld() as held:
        begun = spawn(job, held)
        address = Path(begun.address)
        try:
            for note in begun.notes:
                click.echo(f"apexbeat: {note}", err=True)
            then(begun)
            from monitor.cli.screen_helpers import helpers
            from monitor.tui.app import run

            beside = helpers(Path(job.store), job.settings, address)
            held.check()
        except BaseException:
            leaving.end(address)
            raise
    try:
        code = run(address, helpers=beside, notes=begun.notes)
    except (KeyboardInterrupt, UsageError):  # no screen on which to ask
        leaving.end(address)
        raise
    leaving.tell(address)
    return code


def terminal_name() -> str:
    """The terminal of this process, empty without one."""
    for stream in (sys.stderr, sys.stdout, sys.stdin):
        try:
            if stream is not None and stream.isatty():
                return os.ttyname(stream.fileno())
        except (OSError, ValueError):
            continue
    return ""
