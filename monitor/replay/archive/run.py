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
from monitor.replay.archive.judge import Task, fingerprint, judge, killer, shown
from monitor.replay.archive.result import SCHEMA, Head, Line, ResultFile
from monitor.replay.inputs import search
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
) -> Iterator[Line]:
    """Analyse what the result lacks; yield each line once it has been passed on to be written.

    Parameters
    ----------
    jobs
        Number of processes on this machine, without a cluster.
    cluster
        Address of a Dask scheduler; empty for none.
    said
        Called with messages about the cluster.

    Raises
    ------
    ApexbeatError
        If the models, the cluster or the disk fail; finished lines are kept.
    """
    for name in wanted.names:
        known = result.lines.get(shown(name))
        if known is not None and known.sha256 != fingerprint(wanted.folder / os.fsdecode(name)):
            said(f"{shown(name)} has changed since it was judged, and is judged again")
            result.forget(known.name)
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


def on_this_machine(task: Task, jobs: int) -> Iterator[Line]:
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


def _died(task: Task) -> list[Line]:
    return [killer(task.folder, task.names[0], "process")]
