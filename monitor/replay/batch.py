"""Replay of recordings: which files, one after the other or on several cores, in order.

Nothing here prints. A broken file is an outcome with an error; the others go on. What stands in
the way of all of them (two files for one event file, a folder that cannot be written, a refused
model) is raised before the first sound is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dsp.stage import RATE_HZ
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.summary import Collector, Summary
from monitor.assembly import Models, open_models, open_models_once, open_pipeline
from monitor.capture.files import BLOCK_S, FileSource, find
from monitor.capture.source import paced
from monitor.clock import Clock, SystemClock
from monitor.config.load import Settings
from monitor.errors import ApexbeatError, InputError, UsageError
from monitor.events import Input, Output
from monitor.record.eventfile import SUFFIX, EventFile, prepare
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
    """

    events: Path | None = None
    overwrite: bool = False
    speed: float | None = None
    block_frames: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one input: a summary, or the line that says why not."""

    path: Path
    summary: Summary | None
    error: str = ""


class Interrupted(Exception):
    """A worker was told to stop."""


def collect(inputs: Sequence[Path]) -> list[Path | Outcome]:
    """Return what to read, folders searched for audio, session folders taken whole.

    An input that is neither is a failed outcome.
    """
    files: list[Path | Outcome] = []
    for path in inputs:
        if not path.is_dir() or is_session_folder(path):
            files.append(path)
            continue
        try:
            files += find(path)
        except InputError as error:
            files.append(Outcome(path, None, str(error)))
    return files


def check(files: Sequence[Path], options: Options) -> None:
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
    seen: dict[str, Path] = {}
    for path in files:
        other = seen.setdefault(path.stem, path)
        if other is not path:
            raise UsageError(
                f"{other} and {path} would both be written to {path.stem}{SUFFIX}",
                "replay them into different folders",
            )
    prepare(options.events, seen, options.overwrite)


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
    progress: Callable[[float], None]
    stopped: Callable[[], bool]

    def output(self, output: Output) -> None:
        if self.stopped():
            raise Interrupted
        self.collector.take(output)
        if output.events:
            self.progress(output.events[-1].index / RATE_HZ)


def replay_file(
    path: Path,
    settings: Settings,
    models: Models,
    options: Options,
    *,
    clock: Clock | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
    stopped: Callable[[], bool] = lambda: False,
    sinks: Sequence[StreamSink] = (),
) -> Summary:
    """Replay one file.

    Parameters
    ----------
    progress
        Told the seconds analysed so far.
    stopped
        Asked between blocks.
    sinks
        Given the output as well.

    Raises
    ------
    InputError
        If the file cannot be read as sound, to its end.
    RecordError
        If its events cannot be written.
    Interrupted
        If ``stopped`` said so.
    """
    block_s = BLOCK_S if options.speed is None else PACED_BLOCK_S
    with _open(path, block_s, options.block_frames) as source:
        pipeline, settings = _pipeline(source, settings, models)
        collector = Collector(source.name, settings)
        all_sinks: list[StreamSink] = [_CollectorSink(collector, progress, stopped), *sinks]
        if options.events is not None:
            target = options.events / f"{path.stem}{SUFFIX}"
            all_sinks.insert(0, EventFileSink(EventFile(target, options.overwrite)))
        inputs: Iterable[Input] = source
        if options.speed is not None:
            inputs = paced(source, clock or SystemClock(), options.speed)
        StreamRunner(pipeline, all_sinks).run(
            inputs, lambda: not isinstance(source, FolderSource) or source.complete
        )
    return collector.result()


def _open(path: Path, block_s: float, block_frames: int | None) -> FileSource | FolderSource:
    if is_session_folder(path):
        return FolderSource(path)
    return FileSource(path, block_s, block_frames)


def _pipeline(
    source: FileSource | FolderSource, settings: Settings, models: Models
) -> tuple[Pipeline, Settings]:
    """Pipeline of a source; a recorded session brings its settings, start and alarms with it."""
    if not isinstance(source, FolderSource):
        return open_pipeline(settings, models, source), settings
    info = source.info
    saved = load_board(info.board)
    board = None if saved is None else saved.board
    pipeline = open_pipeline(info.settings, models, source, index=info.index, board=board)
    return pipeline, info.settings


def replay_all(
    files: Sequence[Path],
    settings: Settings,
    options: Options,
    *,
    models: Models | None = None,
    jobs: int | None = None,
    clock: Clock | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
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
        each = [_Job(path, settings, options) for path in files]
        yield from Workers(_in_worker, _worker_died, count, retry=False).in_order(each)
        return
    models = models or open_models(settings)
    for path in files:
        try:
            summary = replay_file(path, settings, models, options, clock=clock, progress=progress)
        except InputError as error:
            yield Outcome(path, None, str(error))
        else:
            yield Outcome(path, summary)


def processes(files: int, jobs: int | None) -> int:
    """Return how many processes to use for so many files."""
    if jobs is not None:
        return max(1, min(jobs, files))
    return max(1, min(cores(), files // FILES_PER_WORKER))


# ------------------------------------------------------------ on several cores


@dataclass(frozen=True)
class _Job:
    path: Path
    settings: Settings
    options: Options


def _in_worker(job: _Job) -> Outcome:
    try:
        models = open_models_once(job.settings)
        summary = replay_file(job.path, job.settings, models, job.options, stopped=stopped)
    except InputError as error:
        return Outcome(job.path, None, str(error))
    return Outcome(job.path, summary)


def _worker_died(job: _Job) -> Outcome:
    raise ApexbeatError("a worker process died (out of memory?)", "use --jobs 1")
