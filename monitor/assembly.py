"""One stream: source → pipeline → sinks, on the calling thread.

    with FileSource(path) as source:
        Session(source, open_pipeline(settings, models, source), [sink]).run()

A sink takes what the pipeline gives out, and is closed at the end or told to give up. Live
monitoring drives the same pipeline from its own loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from dsp.cycles.model import CycleModel
from dsp.stage import CHAIN_VERSION
from models.engine import Engine
from monitor.analysis.alarms import Board
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.stages import Model
from monitor.capture.files import FileSource
from monitor.capture.source import Source, paced
from monitor.clock import Clock
from monitor.config.load import Settings
from monitor.errors import InputError, ModelError
from monitor.events import Input, Output
from monitor.imports import large_imports
from monitor.record.eventfile import EventFile


@dataclass(frozen=True)
class Models:
    """What listens: an opened student (None if it was refused and one goes on without), and the
    parameters of the cycle decoder; sha256 of both by name."""

    engine: Model | None
    cycles: CycleModel
    hashes: dict[str, str] = field(default_factory=dict)


def open_models(settings: Settings) -> Models:
    """Open the models that the settings name.

    Raises
    ------
    ModelError
        If a file is missing, of another hash, or breaks its contract.
    """
    from models import shipped
    from models.contract import ModelRefused
    from models.opening import open_file

    own = settings.analysis.model
    engine: Engine
    try:
        cycles = CycleModel.from_arrays(shipped.cycles_arrays())
        with large_imports():  # of torch
            if own and own not in shipped.STUDENTS:
                engine = open_file(Path(own), settings.analysis.model_sha256 or None)
            else:
                engine = shipped.student(own or shipped.STUDENTS[0])
    except ModelRefused as refused:
        raise ModelError(refused.what, refused.remedy) from None
    except (OSError, ValueError, KeyError) as error:
        words = " ".join(str(error).split())
        raise ModelError(f"a shipped model is damaged ({words})", "install it again") from None
    trained_on = engine.contract.chain_version
    if trained_on != CHAIN_VERSION:
        raise ModelError(
            f"model {engine.contract.name}: made for version {trained_on} of the signal path, "
            f"this is version {CHAIN_VERSION}",
            "train or install one that fits",
        )
    hashes = {"student": engine.sha256, "cycles": shipped.pins()[shipped.CYCLES]}
    return Models(engine, cycles, hashes)


def open_pipeline(
    settings: Settings,
    models: Models,
    source: Source,
    *,
    index: int = 0,
    board: Board | None = None,
    notes: Mapping[str, str | int | float] | None = None,
) -> Pipeline:
    """Make the pipeline of a source.

    Raises
    ------
    InputError
        If the source's rate or channels do not fit the settings.
    """
    try:
        return Pipeline(
            settings,
            models.engine,
            models.cycles,
            source.name,
            source.rate_hz,
            source.channels,
            models=models.hashes,
            index=index,
            board=board,
            notes=notes,
        )
    except ValueError as error:
        raise InputError(f"{source.name}: {error}") from None


def channel_of(settings: Settings, look: bool) -> int | None:
    """Channel for a `FileSource`: that of the settings, None where it is to be looked for."""
    channel = settings.analysis.channel
    return None if look and not channel else channel


def file_pipeline(source: FileSource, settings: Settings, models: Models) -> Pipeline:
    """Pipeline of a file: with the channel that was chosen, which the first line tells.

    Raises
    ------
    InputError
        If the file's rate or channels do not fit the settings.
    """
    if source.choice is not None:
        analysis = replace(settings.analysis, channel=source.choice.channel)
        settings = replace(settings, analysis=analysis)
    return open_pipeline(settings, models, source, notes=source.notes)


class Sink(Protocol):
    """Takes what a pipeline gives out."""

    def take(self, output: Output) -> None:
        """Take the next output."""
        ...

    def close(self) -> None:
        """The stream ended in order."""
        ...

    def abort(self) -> None:
        """The stream failed or was interrupted: leave nothing half-done."""
        ...


@dataclass
class EventFileSink:
    """Writes events into an event file."""

    file: EventFile

    def take(self, output: Output) -> None:
        """Write the events."""
        self.file.write(output.events)

    def close(self) -> None:
        """Give the file its name."""
        self.file.commit()

    def abort(self) -> None:
        """Remove it."""
        self.file.abort()


class Session:
    """One stream from its source to its sinks.

    Parameters
    ----------
    source, pipeline, sinks
        Of this stream; the source stays open.
    clock, speed
        With a speed, sound passes no faster than that (1.0: as it was recorded).
    """

    def __init__(
        self,
        source: Source,
        pipeline: Pipeline,
        sinks: Sequence[Sink],
        clock: Clock | None = None,
        speed: float | None = None,
    ) -> None:
        self.pipeline = pipeline
        self._sinks = sinks
        self._inputs: Iterable[Input] = source
        if speed is not None:
            if clock is None:
                raise ValueError("a pace needs a clock")
            self._inputs = paced(source, clock, speed)

    def run(self, complete: Callable[[], bool] = lambda: True) -> None:
        """Run to the end; if that fails, every sink gives up.

        Parameters
        ----------
        complete
            Asked at the end: whether the source was whole.

        Raises
        ------
        ApexbeatError
            Of source or sink.
        """
        try:
            for item in self._inputs:
                self._give(self.pipeline.push(item))
            self._give(self.pipeline.finish(complete()))
        except BaseException:  # an interrupt too must leave nothing half-written
            for sink in self._sinks:
                sink.abort()
            raise
        for sink in self._sinks:
            sink.close()

    def _give(self, output: Output) -> None:
        for sink in self._sinks:
            sink.take(output)
