"""Opens models and builds pipelines: the only place that does.

models = open_models(settings)
with FileSource(path) as source:
    StreamRunner(open_pipeline(settings, models, source), [sink]).run(source)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec.structs import replace

from dsp.cycles.model import CycleModel
from dsp.stage import CHAIN_VERSION
from models.engine import Engine
from monitor.analysis.alarms import Board
from monitor.analysis.pipeline import Pipeline
from monitor.analysis.stages import Model
from monitor.capture.files import FileSource
from monitor.capture.source import Source
from monitor.config.load import Settings
from monitor.errors import InputError, ModelError
from monitor.system.imports import large_imports


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


def open_models_once(settings: Settings) -> Models:
    """Open the models as `open_models` does, once per process for the same settings."""
    return _open_kept(msgspec.json.encode(settings))


@lru_cache(maxsize=1)
def _open_kept(settings: bytes) -> Models:
    return open_models(msgspec.json.decode(settings, type=Settings))


def open_pipeline(
    settings: Settings,
    models: Models,
    source: Source,
    *,
    index: int = 0,
    board: Board | None = None,
    notes: Mapping[str, str | int | float] | None = None,
) -> Pipeline:
    """Make the pipeline of a source; see `build_pipeline`."""
    return build_pipeline(
        settings,
        models,
        source.name,
        source.rate_hz,
        source.channels,
        index=index,
        board=board,
        notes=notes,
    )


def build_pipeline(
    settings: Settings,
    models: Models,
    name: str,
    rate_hz: int,
    channels: int,
    *,
    index: int = 0,
    board: Board | None = None,
    notes: Mapping[str, str | int | float] | None = None,
) -> Pipeline:
    """Make the pipeline of a stream.

    Parameters
    ----------
    name, rate_hz, channels
        Of the stream.
    index, board
        Where a session that goes on begins, and its alarms.
    notes
        What the first line tells beside the settings.

    Raises
    ------
    InputError
        If rate or channels do not fit the settings.
    """
    try:
        return Pipeline(
            settings,
            models.engine,
            models.cycles,
            name,
            rate_hz,
            channels,
            models=models.hashes,
            index=index,
            board=board,
            notes=notes,
        )
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


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
