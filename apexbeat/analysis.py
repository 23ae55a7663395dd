"""Analysis functions of the library: the same models, pipeline and runner as the commands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apexbeat.result import Result
from monitor import events as ev
from monitor.analysis import person
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.summary import Collector, Summary
from monitor.analysis.verdict import Thresholds
from monitor.assembly import build_pipeline, open_models_once
from monitor.capture.files import BLOCK_S
from monitor.config.load import Settings, build
from monitor.decoding.look import level_scale
from monitor.errors import ApexbeatError, InputError
from monitor.record.export.model import from_event_file
from monitor.replay.batch import Options, replay_file
from monitor.replay.workers import Workers, cores
from monitor.runner import StreamRunner, StreamSink
from monitor.sessionfolder import format as folder_format
from monitor.version import version

__version__ = version()

MOST_CHANNELS = 64
"""An array of more channels than this, and than samples, lies the other way round."""

Source = str | PathLike[str] | ArrayLike


class _EventSink(StreamSink):
    """Collects a stream's events, and its sound and summary if they are wanted."""

    def __init__(self, sound: bool, collector: Collector | None = None) -> None:
        self.events: list[ev.Event] = []
        self._collector = collector
        self._chunks: list[ev.WaveformChunk] | None = [] if sound else None

    def output(self, output: ev.Output) -> None:
        """Keep events, and the filtered sound if it is wanted."""
        self.events += output.events
        if self._collector is not None:
            self._collector.take(output)
        if self._chunks is not None:
            self._chunks += output.pictures

    def result(self, name: str, summary: Summary | None = None, file: str = "") -> Result:
        """What was kept."""
        sound = None if self._chunks is None else ev.sound_of(self._chunks)
        if self._collector is not None:
            summary = self._collector.result()
        return Result(name, tuple(self.events), sound, file, summary)


def analyze(
    source: Source,
    rate: int | None = None,
    *,
    settings: dict[str, str | int | float | bool] | None = None,
    keep_sound: bool = True,
    name: str = "array",
) -> Result:
    """Analyse one recording.

    Parameters
    ----------
    source
        Path of a sound file or of a session folder; or samples, shape [n] or [n, channels], int16
        or float; if these are far from ±1 their level is brought there, as that of a file is.
    rate
        Sampling rate in Hz: required with samples, not allowed with a path.
    settings
        Changes to the defaults, by the keys of the settings file: ``{"alarms.tachycardia": 110}``.
    keep_sound
        Whether to keep the filtered sound in `Result.sound`: 8 kB per second, gaps included.
    name
        Name of the result, when samples are given.

    Raises
    ------
    InputError
        If the file cannot be read as sound, there are no samples, or the rate is missing or out of
        range.
    ApexbeatError
        If a setting is wrong, or a model is refused.

    Examples
    --------
    >>> import apexbeat
    >>> result = apexbeat.analyze("recordings/normal.wav")
    >>> result.verdict.value, round(result.rate)
    ('normal', 72)
    """
    keeper = _EventSink(keep_sound)
    if isinstance(source, str | PathLike):
        if rate is not None:
            raise InputError("a file knows its rate", "leave out rate")
        inputs = _settings(settings)
        summary = replay_file(
            Path(source), inputs, open_models_once(inputs), Options(), sinks=[keeper]
        )
        return keeper.result(summary.name, summary, str(source))
    samples = _samples(source)
    if rate is None:
        raise InputError("the rate of samples is not known", "give rate=HZ")
    if not len(samples):
        raise InputError("there are no samples")
    samples = samples * np.float32(level_scale(samples))
    live = stream(
        rate, channels=samples.shape[1], settings=settings, keep_sound=keep_sound, name=name
    )
    step = max(1, round(BLOCK_S * rate))
    for start in range(0, len(samples), step):
        live.push(samples[start : start + step])
    return live.finish()


def analyze_many(
    paths: Iterable[str | PathLike[str]],
    jobs: int | None = None,
    *,
    settings: dict[str, str | int | float | bool] | None = None,
    errors: Literal["raise", "yield"] = "raise",
) -> Iterator[Result | InputError]:
    """Analyse many recordings on several processes; yield the results in the order of the paths.

    Parameters
    ----------
    paths
        Sound files or session folders.
    jobs
        Number of processes; by default one per core.
    errors
        ``raise`` stops at a file that cannot be read; ``yield`` yields the `InputError` in
        place of the result and goes on.

    Raises
    ------
    InputError
        If a file cannot be read and ``errors`` is ``raise``.
    ApexbeatError
        If a setting is wrong, a model is refused, or a process dies.
    """
    given = _settings(settings)
    items = [_Item(Path(path), given) for path in paths]
    count = min(jobs or cores(), len(items))
    found: Iterable[Result | InputError] = (
        Workers(_one, _died, count, retry=False).in_order(items)
        if count > 1
        else (_one(item) for item in items)
    )
    for one in found:
        if isinstance(one, InputError) and errors == "raise":
            raise one
        yield one


def judge_person(
    results: Iterable[Result], *, settings: dict[str, str | int | float | bool] | None = None
) -> person.PersonVerdict:
    """Judge a person by several recordings: the one that sounds most abnormal decides.

    ``not_judged`` names the recordings without a verdict. Unless at least half have one, the person
    is never called normal.

    Parameters
    ----------
    results
        Results of all the person's recordings: places on the chest, or visits.
    settings
        As for `analyze`; the thresholds are those of the model.

    Examples
    --------
    >>> import apexbeat
    >>> paths = ["recordings/normal.wav", "recordings/tachycardia.flac"]
    >>> found = apexbeat.judge_person(apexbeat.analyze_many(paths, jobs=1))
    >>> found.value, found.scope, found.not_judged
    ('normal', '2 of 2', ())
    """
    engine = open_models_once(_settings(settings)).engine
    assert engine is not None
    recordings = [(one.name, one.verdict.value, one.verdict.p) for one in results]
    return person.judge_person(recordings, Thresholds.of(engine.contract))


class Stream:
    """An analysis of sound that arrives block by block; made by `stream`.

    Attributes
    ----------
    events
        Everything found so far.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        settings: Settings,
        rate: int,
        channels: int,
        name: str,
        keep: bool,
    ) -> None:
        self._keeper = _EventSink(keep, Collector(name, settings))
        self._runner = StreamRunner(pipeline, [self._keeper])
        self._rate, self._channels, self._name = rate, channels, name
        self._frames = 0
        self._result: Result | None = None

    @property
    def events(self) -> list[ev.Event]:
        """Everything found so far."""
        return self._keeper.events

    def push(self, block: ArrayLike) -> list[ev.Event]:
        """Analyse the next samples, shape [n] or [n, channels]; return the events that they settle.

        Float samples have a full scale of ±1.

        Raises
        ------
        InputError
            If the block has another number of channels than the stream, or the stream has ended.
        """
        if self._result is not None:
            raise InputError("the stream has ended", "begin another one")
        samples = _samples(block)
        if samples.shape[1] != self._channels:
            raise InputError(
                f"the block has {samples.shape[1]} channels, the stream {self._channels}"
            )
        before = len(self.events)
        self._runner.push(ev.Block(samples, self._rate, self._frames))
        self._frames += len(samples)
        return self.events[before:]

    def finish(self) -> Result:
        """End the stream and return the whole result; asked again, the same."""
        if self._result is None:
            self._runner.finish()
            self._result = self._keeper.result(self._name)
        return self._result


def stream(
    rate: int,
    *,
    channels: int = 1,
    settings: dict[str, str | int | float | bool] | None = None,
    keep_sound: bool = False,
    name: str = "stream",
) -> Stream:
    """Begin an analysis of sound that the calling program delivers, at ``rate`` Hz.

    Raises
    ------
    InputError
        If rate or channels are out of range.
    """
    given = _settings(settings)
    pipeline = build_pipeline(given, open_models_once(given), name, rate, channels)
    return Stream(pipeline, given, rate, channels, name, keep_sound)


def read_events(path: str | PathLike[str]) -> Result:
    """Read an event file.

    Raises
    ------
    InputError
        If it is not an event file, or of a newer version.
    """
    record = from_event_file(Path(path))
    return Result(record.session.name, tuple(record.lines()), file=str(path))


def read_session(folder: str | PathLike[str]) -> Result:
    """Read the events of a recorded live session, as they were found live.

    Raises
    ------
    InputError
        If it is not a session folder.
    """
    return read_events(Path(folder) / folder_format.EVENTS)


@dataclass(frozen=True)
class _Item:
    path: Path
    settings: Settings


def _one(item: _Item) -> Result | InputError:
    keeper = _EventSink(sound=False)
    try:
        models = open_models_once(item.settings)
        summary = replay_file(item.path, item.settings, models, Options(), sinks=[keeper])
    except InputError as error:
        return error
    return keeper.result(summary.name, summary, str(item.path))


def _died(item: _Item) -> Result | InputError:
    raise ApexbeatError(
        f"{item.path}: the process died (out of memory, or no `if __name__ == '__main__':`?)",
        "use jobs=1",
    )


def _settings(given: dict[str, str | int | float | bool] | None) -> Settings:
    nested: dict[str, dict[str, str | int | float | bool]] = {}
    for key, value in (given or {}).items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    return build(nested)


def _samples(given: ArrayLike) -> NDArray[np.float32]:
    samples = np.asarray(given)
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fi":
        raise InputError(
            f"samples of shape {samples.shape} and type {samples.dtype} are no sound",
            "give float or int16 samples of shape [n] or [n, channels]",
        )
    if samples.ndim == 2 and samples.shape[1] > max(samples.shape[0], MOST_CHANNELS):
        raise InputError(
            f"samples of shape {samples.shape} have {samples.shape[1]} channels",
            "give [n, channels]: transpose them",
        )
    if samples.dtype.kind == "i":
        samples = samples / -float(np.iinfo(samples.dtype).min)
    samples = samples.astype(np.float32)
    return samples[:, None] if samples.ndim == 1 else samples
