"""Command ``apexbeat-train hearing``: is a heart heard where one is, and none where none is?

Plays whole recordings into the monitor with the shipped models: hearts of cinc2016, CirCor and
PASCAL, sounds without a heart of PASCAL (``artifact``) and made up (`training.sounds`). The rule
was chosen on one half of the persons (CirCor) and groups (cinc2016), the ``chosen`` one; figures
of the ``confirmed`` half were looked at once. The shipped student has never met CirCor; on
cinc2016 its AUC is that of recordings it was trained on, of use for comparison only.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from monitor import events as ev

MADE_UP = 40
"""Sounds of each made-up kind."""

MADE_UP_S = 30.0
BLOCK = 20_000


class Item(msgspec.Struct, frozen=True):
    """One sound: a file, or a made-up kind with its seed; ``label`` is -1 where there is none."""

    set: str
    half: str
    name: str
    path: str = ""
    label: int = -1


class Result(msgspec.Struct, frozen=True):
    """What the monitor said of it."""

    item: Item
    hours: float
    verdict: str
    p: float | None
    rated: bool
    alarms: tuple[str, ...]
    onsets: tuple[int, int, int] = (0, 0, 0)
    """Of S1 and S2 together: matched within 60 ms, wanted, found."""


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data"), show_default=True, help="Folder of the public sets.",
)  # fmt: skip
@click.option("--every", default=1, show_default=True, help="Take one recording in so many.")
@click.option("--jobs", default=1, show_default=True, help="Processes.")
@click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("docs/results"),
    show_default=True, help="Folder of the result.",
)  # fmt: skip
def hearing(data: Path, every: int, jobs: int, results: Path) -> None:
    """Verdicts, rates and false alarms of hearts and of sounds without one.

    Takes one core about 15 minutes for the 27 hours.
    """
    from concurrent.futures import ProcessPoolExecutor

    from rich.progress import track

    from training import cells

    items = [*_cinc(data), *_circor(data), *_pascal(data), *_made_up()][::every]
    hear = partial(listen, data=data)
    with ProcessPoolExecutor(jobs) as pool:
        found = list(track(pool.map(hear, items, chunksize=4), total=len(items)))
    figures = {
        "command": f"apexbeat-train hearing --every {every}",
        "commit": cells.commit(),
        "machine": cells.machine(),
        "sets": summary(found),
    }
    (results / "hearing.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    click.echo(json.dumps(figures["sets"], indent=1))


# ------------------------------------------------------------ which sounds


def _half(names: Iterable[str]) -> dict[str, str]:
    """Every other one was chosen on."""
    return {name: ("confirmed", "chosen")[k % 2 == 0] for k, name in enumerate(sorted(set(names)))}


def _cinc(data: Path) -> Iterator[Item]:
    from training.datasets import load_cinc2016

    recordings = [r for r in load_cinc2016(data / "cinc2016") if r.scored]
    half = _half(r.group for r in recordings)
    for r in recordings:
        kind = r.database if r.quality else "quality 0"
        yield Item(f"cinc2016 {kind}", half[r.group], r.name, str(r.path), r.label)


def _circor(data: Path) -> Iterator[Item]:
    with (data / "circor" / "recordings.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    half = _half(row["person"] for row in rows)
    labels = {"normal": 0, "abnormal": 1}
    for row in rows:
        path = str(data / "circor" / f"{row['name']}.flac")
        yield Item("circor", half[row["person"]], row["name"], path, labels.get(row["label"], -1))


def _pascal(data: Path) -> Iterator[Item]:
    for path in sorted((data / "pascal").rglob("*.flac")):
        kind = "artifact" if "artifact" in path.stem else "hearts"
        yield Item(f"pascal {kind}", "all", path.stem, str(path))


def _made_up() -> Iterator[Item]:
    from training.sounds import OTHER

    for kind in (*OTHER, "pulsing"):
        for seed in range(MADE_UP):
            yield Item(
                f"made up {kind}", "chosen" if seed < MADE_UP // 2 else "confirmed", str(seed)
            )


# ------------------------------------------------------------ what is said of them


def listen(item: Item, data: Path) -> Result:
    """Play one sound into the monitor."""
    from monitor import events as ev
    from monitor.analysis.pipeline import Pipeline
    from monitor.config.load import Settings
    from monitor.events import Block

    engine, cycles, truths = _opened(data)
    sound, rate_hz = _sound(item)
    pipeline = Pipeline(Settings(), engine, cycles, item.name, rate_hz, sound.shape[1])
    lines: list[ev.Event] = []
    for at in range(0, len(sound), BLOCK):
        lines += pipeline.push(Block(sound[at : at + BLOCK], rate_hz, at)).events
    lines += pipeline.finish().events
    verdict = next(e for e in lines if isinstance(e, ev.Verdict) and e.record)
    truth = truths.get(item.name) if item.set.startswith("cinc2016") else None
    return Result(
        item=item,
        hours=len(sound) / rate_hz / 3600,
        verdict=verdict.value,
        p=verdict.p,
        rated=any(isinstance(e, ev.Vitals) and e.rate is not None for e in lines),
        alarms=tuple(e.kind for e in lines if isinstance(e, ev.Alarm) and e.state == "active"),
        onsets=(0, 0, 0) if truth is None else _onsets(lines, truth, len(sound)),
    )


_models: list[Any] = []


def _opened(data: Path) -> Any:
    """Models and annotations of this process."""
    if not _models:
        from monitor.assembly import open_models
        from monitor.config.load import Settings
        from training.options import one_thread
        from training.segmentation.data import truths

        one_thread()
        opened = open_models(Settings())
        _models.append((opened.engine, opened.cycles, truths(data)))
    return _models[0]


def _sound(item: Item) -> tuple[NDArray[np.float32], int]:
    import numpy as np
    import soundfile as sf

    from training.sounds import OTHER, pulsing

    if item.path:
        sound, rate_hz = sf.read(item.path, dtype="float32", always_2d=True)
        return sound, int(rate_hz)
    make = {**OTHER, "pulsing": pulsing}[item.set.removeprefix("made up ")]
    return make(1000 + int(item.name), MADE_UP_S).astype(np.float32)[:, None], 2000


def _onsets(lines: Sequence[ev.Event], truth: Any, length: int) -> tuple[int, int, int]:
    from dsp.cycles.beat import Beat
    from monitor import events as ev
    from training.segmentation.score import score

    beats = [
        Beat(e.s1, e.systole, e.s2, e.diastole, e.end, e.confidence)
        for e in lines
        if isinstance(e, ev.Beat)
    ]
    counts = score(truth, length, beats)
    matched = counts.matched["onset 60"]
    return int(matched.sum()), int(counts.wanted.sum()), int(counts.found.sum())


# ------------------------------------------------------------ figures


def summary(found: Sequence[Result]) -> dict[str, Any]:
    """Figures by set and half."""
    keys = sorted({(r.item.set, r.item.half) for r in found})
    return {
        f"{name}, {half}": _figures([r for r in found if (r.item.set, r.item.half) == (name, half)])
        for name, half in keys
    }


def _figures(found: Sequence[Result]) -> dict[str, Any]:
    hours = sum(r.hours for r in found)
    alarms = Counter(kind for r in found for kind in r.alarms)
    figures: dict[str, Any] = {
        "recordings": len(found),
        "hours": round(hours, 2),
        "with verdict": _share([r.verdict != "none" for r in found]),
        "with rate": _share([r.rated for r in found]),
        "alarms": dict(sorted(alarms.items())),
    }
    matched, wanted, heard = (sum(r.onsets[k] for r in found) for k in range(3))
    if wanted:
        figures["S1 and S2 F1 at 60 ms"] = round(2 * matched / (wanted + heard), 4)
    known = [r for r in found if r.item.label >= 0]
    if len({r.item.label for r in known}) == 2:
        figures |= _ranking(known)
    return figures


def _ranking(known: Sequence[Result]) -> dict[str, Any]:
    """AUC with what has no verdict in the middle, and who is alarmed."""
    import numpy as np

    from monitor.analysis.verdict import logit
    from training.scores import auc

    label = np.array([r.item.label for r in known], np.int64)
    now = np.array([0.0 if r.p is None else logit(r.p) for r in known])
    rang = np.array(["abnormal_sound" in r.alarms for r in known])
    return {
        "AUC": round(auc(label, now), 4),
        "abnormal alarmed": _share(rang[label == 1].tolist()),
        "normal alarmed": _share(rang[label == 0].tolist()),
    }


def _share(values: Sequence[bool]) -> float:
    return round(sum(values) / len(values), 4) if values else float("nan")
