"""The commands that measure: figures from finished cells, and checks of the shipped student."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from training.options import (
    SHIPPED,
    data_option,
    numbers,
    one_thread,
    print_paper,
    protocol_option,
    results_option,
    say,
    seed_option,
    source_options,
)

if TYPE_CHECKING:
    from training.datasets import Recording
    from training.evaluate import HeldOut
    from training.own import DataSource


@click.command()
@click.argument("system")
@source_options
@protocol_option
@click.option(
    "--seeds", default="0", show_default=True, help="Comma-separated seeds; figures are averaged."
)
@results_option
def evaluate(system: str, data: DataSource, protocol: str, seeds: str, results: Path) -> None:
    """Figures of a system on held-out recordings, from its finished cells.

    As JSON of the public sets; as a table, by recording and by person, of recordings of your own.
    """
    import json

    from training import evaluate as room
    from training import own

    recordings = own.recordings_of(data)
    cells, key = results / "cells", own.key_of(data)
    finished = [room.load_cells(cells, system, protocol, s, key) for s in numbers(seeds)]
    parts = room.of_seeds(finished, recordings)
    if isinstance(data, own.OwnSet):
        for line in own_lines(parts[0], recordings):
            click.echo(line)
    figures: dict[str, Any] = {k: round(v, 4) for k, v in room.over_seeds(parts).items()}
    keys = ["mean_auc", "mean_macc", "mean_auc_no_e", "weighted_auc_no_e", "pooled_auc"]
    keys += [f"auc_{name}" for name in room.further_auc(finished[0])]
    figures |= {f"{k}_95": v for k, v in room.intervals(parts, keys).items()}
    out = results / f"{system}__{protocol}.json"
    out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if isinstance(data, own.OwnSet):
        click.echo(f"{system}, protocol {protocol}; all figures in {out}")
    else:
        click.echo(json.dumps(figures, indent=1))


def own_lines(held: HeldOut, recordings: Sequence[Recording]) -> Iterator[str]:
    """Yield tables of held-out recordings of one's own, and of the persons."""
    from monitor.analysis.person import judge_person
    from monitor.analysis.verdict import Thresholds, sigmoid
    from monitor.cli.replay_table import score_lines, worst_lines
    from monitor.replay.scores import Case
    from training.calibrate import UNSURE_P
    from training.evaluate import cross_calibrated

    limits = Thresholds(*UNSURE_P)
    z, _ = cross_calibrated(held)
    cases = [
        Case(name, bool(label), limits.judge(sigmoid(logit)), sigmoid(logit), group)
        for name, label, logit, group in zip(
            held.names, held.label, z.tolist(), held.group.tolist(), strict=True
        )
    ]
    yield from score_lines(cases, "recordings")
    silent = len(recordings) - len(cases)
    if silent:
        yield f"  left out: {silent} recordings in which no heart was heard"
    yield from worst_lines(cases)
    persons: dict[str, list[Case]] = {}
    for case in cases:
        persons.setdefault(case.person, []).append(case)
    if len(persons) == len(cases):
        return
    known = {case.name for case in cases}
    of_persons = []
    for name, own in persons.items():
        unheard = [r for r in recordings if r.group == name and r.name not in known]
        judged = judge_person(
            [
                *((case.name, case.verdict, case.p) for case in own),
                *((r.name, "none", None) for r in unheard),
            ],
            limits,
        )
        abnormal = any(case.abnormal for case in own) or any(r.label > 0 for r in unheard)
        of_persons.append(Case(name, abnormal, judged.value, judged.p, name))
    yield from ("", *score_lines(of_persons, "persons"), *worst_lines(of_persons))


@click.command()
@click.argument("first")
@click.argument("second")
@source_options
@protocol_option
@click.option("--seeds", default="0", show_default=True)
@click.option("--figure", default="weighted_auc_no_e", show_default=True)
@results_option
def compare(
    first: str,
    second: str,
    data: DataSource,
    protocol: str,
    seeds: str,
    figure: str,
    results: Path,
) -> None:
    """First less second: mean difference of one figure over the seeds, 95 % interval, p.

    Kept in gains.json. Protocol P: the accuracy, and both tables of the paper are written and
    printed.
    """
    from training import cells
    from training import comparisons as gains
    from training import evaluate as room
    from training.own import OwnSet, key_of, recordings_of

    recordings = recordings_of(data)
    further = {r.database for r in recordings if r.further}
    if figure.removeprefix("auc_") not in further:  # two systems may differ in the sets they hear
        recordings = [r for r in recordings if not r.further]
    if protocol == "P":
        if isinstance(data, OwnSet):
            raise click.UsageError("protocol P is of cinc2016 alone; take S")
        figure = "accuracy"
        found = _paper_gain(first, second, data, recordings, numbers(seeds), results)
    else:
        folder = results / "cells"
        a, b = (
            room.of_seeds(
                [room.load_cells(folder, name, protocol, s, key_of(data)) for s in numbers(seeds)],
                recordings,
            )
            for name in (first, second)
        )
        found = room.paired(a, b, figure)
    gains.keep(results, protocol, (first, second), figure, numbers(seeds), found)
    if protocol == "P":
        print_paper(results, cells.SYSTEMS)
    click.echo(f"{first} - {second}, {figure}: " + ", ".join(f"{k} {v}" for k, v in found.items()))


def _paper_gain(
    first: str, second: str, data: Path, recordings: list[Any], seeds: Any, results: Path
) -> dict[str, float]:
    from training import dataset_bundle as world
    from training.paper import protocol as paper
    from training.prepare import prepare as prepared

    annotated = world.hand_annotated(data, recordings)
    onsets = {name: states.onsets("S1") for name, states in annotated.items()}
    table, _, _ = paper.cycle_table(recordings, prepared("cinc2016", recordings), onsets)
    return paper.paired(first, second, seeds, table, recordings, results / "cells")


@click.command()
@click.argument("system", default=SHIPPED)
@data_option
@seed_option
@results_option
def check(system: str, data: Path, seed: int, results: Path) -> None:
    """Play held-out recordings through the monitor, beside the figures at annotated S1."""
    from training import checks

    one_thread()
    _store(results / "checks.json", checks.run(system, data, results, seed, say))


def _store(path: Path, found: dict[str, Any]) -> None:
    import json

    text = json.dumps(found, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    click.echo(text)


@click.command()
@data_option
@results_option
def report(data: Path, results: Path) -> None:
    """Write docs/results/*.md from the finished cells."""
    from training import datasets, tables

    for path in tables.write_all(results, datasets.load_cinc2016(data)):
        click.echo(str(path))
