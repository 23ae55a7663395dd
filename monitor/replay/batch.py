"""Replay of recordings: which files, one after the other or on several cores, in order.

Nothing here prints. A broken file is an outcome with an error; the others go on. What stands in
the way of all of them (two files for one event file, a folder that cannot be written, a refused
model) is raised before the first sound is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from dsp.ecg import compare
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.summary import Collector, Summary
from monitor.assembly import (
    Models,
    channel_of,
    file_pipeline,
    open_models,
    open_models_once,
    open_pipeline,
)
from monitor.capture.files import BLOCK_S, WHOLE, FileSource, Part
from monitor.capture.source import paced
from monitor.clock import Clock, SystemClock
from monitor.config.load import Settings
from monitor.decoding.decoder import NO_HINTS, Hints
from monitor.decoding.reference import r_waves_of
from monitor.errors import ApexbeatError, InputError
from monitor.events import Beat, Input, Output
from monitor.record.eventfile import SUFFIX, EventFile, prepare
from monitor.replay.inputs import Item, refuse_clashes
from monitor.replay.workers import Workers, cores, stopped
from monitor.runner import StreamRunner, StreamSink
from monitor.sessionfolder.reader import FolderSource, is_session_folder
from monitor.view.state import load_board

PACED_BLOCK_S = 0.1
"""Seconds in a block when sound passes as slowly as it was recorded."""

FILES_PER_WORKER = 4
"""A process more costs about two seconds: not worth it for fewer files."""


@dataclass(frozen=True)
class Options:
    """How recordings are replayed.

    Attributes
    ----------
    events
        Folder of the event files, None for none.
    overwrite
        Whether existing ones are replaced.
    speed
        None as fast as it goes, 1.0 as it was recorded.
    block_frames
        Frames in a block, None for the default; events do not depend on it.
    look
        Whether the channels of a recording are looked at, where the settings name none.
    hints
        What files do not tell of themselves.
    part
        Which part of each recording.
    """

    events: Path | None = None
    overwrite: bool = False
    speed: float | None = None
    block_frames: int | None = None
    look: bool = True
    hints: Hints = NO_HINTS
    part: Part = WHOLE


@dataclass(frozen=True)
class Outcome:
    """What became of one input called ``name``: a summary, or the line that says why not."""

    path: Path
    summary: Summary | None
    error: str = ""
    name: str = ""


class Interrupted(Exception):
    """A worker was told to stop."""


def check(files: Sequence[Item], options: Options) -> None:
    """See that event files can be written, before the first sound is read.

    Raises
    ------
    UsageError
        If two inputs would be written to one file.
    RecordError
        If the folder cannot be used, or a file exists already.
    """
    if options.events is None:
        return
    refuse_clashes(files, SUFFIX)
    stems = [item.stem for item in files]
    prepare(options.events, map(str, stems), options.overwrite)


@dataclass
class EventFileSink(StreamSink):
    """Writes events into an event file."""

    file: EventFile

    def output(self, output: Output) -> None:
        """Write the events."""
        self.file.write(output.events)

    def close(self) -> None:
        """Give the file its name."""
        self.file.commit()

    def abort(self) -> None:
        """Remove it."""
        self.file.abort()


@dataclass
class _CollectorSink(StreamSink):
    collector: Collector
    seen: Callable[[Output], None]
    stopped: Callable[[], bool]
    onsets: list[int] | None

    def output(self, output: Output) -> None:
        if self.stopped():
            raise Interrupted
        self.collector.take(output)
        if self.onsets is not None:
            beats = (line for line in output.events if isinstance(line, Beat))
            self.onsets += [beat.s1 for beat in beats if beat.s1 is not None]
        if output.events:
            self.seen(output)


def replay_file(
    path: Path,
    settings: Settings,
    models: Models,
    options: Options,
    *,
    name: str = "",
    stem: Path | None = None,
    clock: Clock | None = None,
    seen: Callable[[Output], None] = lambda output: None,
    stopped: Callable[[], bool] = lambda: False,
    sinks: Sequence[StreamSink] = (),
) -> Summary:
    """Replay one file.

    Parameters
    ----------
    name, stem
        What it is called, and its event file without the suffix; by default after the file.
    seen
        Told what was found, block by block.
    stopped
        Asked between blocks.
    sinks
        Given the output as well.

    Raises
    ------
    InputError
        If nothing of the file can be read as sound.
    RecordError
        If its events cannot be written.
    Interrupted
        If ``stopped`` said so.
    """
    with _open(path, settings, options, name) as source:
        pipeline, settings = _pipeline(source, settings, models)
        collector = Collector(source.name, settings)
        file = source if isinstance(source, FileSource) else None
        onsets: list[int] | None = [] if file is not None and file.has_ecg else None
        collecting = _CollectorSink(collector, seen, stopped, onsets)
        all_sinks: list[StreamSink] = [collecting, *sinks]
        if options.events is not None:
            target = options.events / f"{stem or path.stem}{SUFFIX}"
            all_sinks.insert(0, EventFileSink(EventFile(target, options.overwrite)))
        inputs: Iterable[Input] = source
        if options.speed is not None:
            inputs = paced(source, clock or SystemClock(), options.speed)
        StreamRunner(pipeline, all_sinks).run(inputs, lambda: source.complete)
        summary = collector.result()
        return summary if file is None else _with_file(summary, file, onsets)


def _with_file(summary: Summary, source: FileSource, onsets: list[int] | None) -> Summary:
    """Add what the file itself told: what is missing, the channel taken, an electrocardiogram."""
    reference = None
    if onsets is not None:
        column = source.choice.ecg if source.choice is not None else None
        waves = r_waves_of(source.path, column, start_s=source.start_s)
        reference = compare(waves, onsets)
    return replace(
        summary,
        warnings=source.warnings,
        channel="" if source.choice is None else source.choice.words,
        reference=reference,
    )


def _open(path: Path, settings: Settings, options: Options, name: str) -> FileSource | FolderSource:
    if is_session_folder(path):
        return FolderSource(path)
    return FileSource(
        path,
        BLOCK_S if options.speed is None else PACED_BLOCK_S,
        options.block_frames,
        channel=channel_of(settings, options.look),
        hints=options.hints,
        part=options.part,
        name=name,
    )


def _pipeline(
    source: FileSource | FolderSource, settings: Settings, models: Models
) -> tuple[Pipeline, Settings]:
    """Pipeline of a source; a recorded session brings its settings, start and alarms with it."""
    if not isinstance(source, FolderSource):
        return file_pipeline(source, settings, models), settings
    info = source.info
    saved = load_board(info.board)
    board = None if saved is None else saved.board
    pipeline = open_pipeline(info.settings, models, source, index=info.index, board=board)
    return pipeline, info.settings


def replay_all(
    files: Sequence[Item],
    settings: Settings,
    options: Options,
    *,
    models: Models | None = None,
    jobs: int | None = None,
    clock: Clock | None = None,
    seen: Callable[[Output], None] = lambda output: None,
) -> Iterator[Outcome]:
    """Yield the outcome of each file, in order.

    Parameters
    ----------
    models
        Opened before; they are opened here otherwise.
    jobs
        Processes; None takes all cores where there are enough files.

    Raises
    ------
    ModelError
        If a model is refused.
    RecordError
        If events cannot be written: that would befall the next file as well.
    """
    count = processes(len(files), jobs)
    if count > 1:
        each = [_Job(item, settings, options) for item in files]
        yield from Workers(_in_worker, _worker_died, count, retry=False).in_order(each)
        return
    models = models or open_models(settings)
    for item in files:
        yield _outcome(item, settings, models, options, clock=clock, seen=seen)


def _outcome(
    item: Item, settings: Settings, models: Models, options: Options, **more: Any
) -> Outcome:
    try:
        return Outcome(
            item.path,
            replay_file(
                item.path, settings, models, options, name=item.name, stem=item.stem, **more
            ),
            name=item.name,
        )
    except InputError as error:
        return Outcome(item.path, None, str(error), item.name)


def processes(files: int, jobs: int | None) -> int:
    """Return how many processes to use for so many files."""
    if jobs is not None:
        return max(1, min(jobs, files))
    return max(1, min(cores(), files // FILES_PER_WORKER))


# ------------------------------------------------------------ on several cores


@dataclass(frozen=True)
class _Job:
    item: Item
    settings: Settings
    options: Options


def _in_worker(job: _Job) -> Outcome:
    models = open_models_once(job.settings)
    return _outcome(job.item, job.settings, models, job.options, stopped=stopped)


def _worker_died(job: _Job) -> Outcome:
    raise ApexbeatError("a worker process died (out of memory?)", "use --jobs 1")
