"""Judge an archive: what the command ``apexbeat archive`` does, without a word to anybody."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from monitor.assembly import open_models
from monitor.config.load import Settings
from monitor.replay.archive.judge import Task, judge, shown
from monitor.replay.archive.result import SCHEMA, Head, ResultFile
from monitor.replay.inputs import search
from monitor.replay.rows import Row
from monitor.replay.workers import Workers
from monitor.version import version


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes
    ----------
    folder
        Of the recordings.
    names
        Of all of them, within the folder, sorted.
    head
        With what they are judged.
    settings
        In force.
    """

    folder: Path
    names: list[bytes]
    head: Head
    settings: Settings


def plan(folder: Path, settings: Settings) -> Plan:
    """Find the recordings and open the models, before anything is written.

    Raises
    ------
    InputError
        If there is no audio in the folder.
    ModelError
        If a model is refused.
    """
    folder = folder.resolve()
    names = sorted(
        os.fsencode(path.relative_to(folder).as_posix()) for path in search(folder).files
    )
    models = open_models(settings)
    head = Head(
        schema=SCHEMA,
        software=f"apexbeat {version()}",
        models=models.hashes,
        settings=settings.for_event_file(),
    )
    return Plan(folder, names, head, settings)


def run(
    wanted: Plan,
    result: ResultFile,
    *,
    jobs: int,
    cluster: str = "",
    said: Callable[[str], None] = lambda line: None,
) -> Iterator[Row]:
    """Judge what the result has not yet; yield each line when it is on its way to the disk.

    Parameters
    ----------
    jobs
        Processes of this machine, where there is no cluster.
    cluster
        Address of a Dask scheduler; empty for none.
    said
        Called with a line about the cluster.

    Raises
    ------
    ApexbeatError
        Of the models, the cluster, or the disk; what is done is kept.
    """
    names = [name for name in wanted.names if shown(name) not in result.lines]
    if names:
        settings = msgspec.json.encode(wanted.settings)
        task = Task(settings, wanted.head.models, os.fsencode(wanted.folder), names)
        if cluster:
            from monitor.replay.archive.cluster import on_cluster

            lines = on_cluster(task, cluster, said)
        else:
            lines = on_this_machine(task, min(jobs, len(names)))
        for line in lines:
            if result.add(line):
                yield line
    result.finish()


def on_this_machine(task: Task, jobs: int) -> Iterator[Row]:
    """Yield the line of each recording as it is done; one whose process dies is tried again.

    Parameters
    ----------
    task
        All recordings.
    jobs
        Processes.

    Raises
    ------
    ModelError
        If the models are refused.
    """
    tasks = [replace(task, names=[name]) for name in task.names]
    if jobs == 1:
        for one in tasks:
            yield from judge(one)
        return
    for _, lines in Workers(judge, _died, jobs).run(tasks):
        yield from lines


def _died(task: Task) -> list[Row]:
    name = shown(task.names[0])
    return [Row(name=name, file=name, error=f"{name}: its process died, each time it was tried")]
