"""Commands `apexbeat-train segmentation` and `apexbeat-train evaluate-segmentation`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from training.segmentation.variant import STEPS

DATA = click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("../shared/data"), show_default=True, help="Folder of cinc2016 and circor.",
)  # fmt: skip
RESULT = click.option(
    "--result", type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/results/segmentation.json"), show_default=True, help="Result file.",
)  # fmt: skip
STEPS_OPTION = click.option("--steps", default=STEPS, show_default=True, help="Steps of a fit.")


def _say(line: str) -> None:
    click.echo(line)


def _progress(step: int, loss: float) -> None:
    click.echo(f"  step {step} loss {loss:.4f}")


@click.command("segmentation")
@DATA
@RESULT
@STEPS_OPTION
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("models/shipped"),
    show_default=True, help="Folder for cycles.npz and its card.",
)  # fmt: skip
def segmentation(data: Path, result: Path, steps: int, out: Path) -> None:
    """Fit and ship the cycle decoder; a fit that is in the cache is not made again.

    Every seventh group is kept from the fit, shows what it is worth, and calibrates it.
    """
    from training.segmentation import shipped_fit
    from training.segmentation.crossvalidate import write
    from training.segmentation.data import prepare
    from training.segmentation.fit import Schedule
    from training.segmentation.folds import recipe
    from training.segmentation.ship import ship
    from training.segmentation.train import Part, fitted

    prepared = prepare(data)
    model = fitted(prepared, Part("dev"), Schedule(steps=steps), _progress)
    model, rows = shipped_fit.finish(prepared, model)
    write(result, "development groups", rows)
    ship(model, json.loads(result.read_text()), out, recipe(steps))
    _say(f"written: {out / 'cycles.npz'}")


def _folds(data: Path, result: Path, steps: int, every: int) -> None:
    """Run the shipped recipe fold by fold, or put other programs beside the finished folds."""
    import models.shipped
    from dsp.cycles.model import CycleModel
    from training.segmentation import folds
    from training.segmentation.compare import compare
    from training.segmentation.crossvalidate import write
    from training.segmentation.data import prepare
    from training.segmentation.train import FOLDS

    prepared = prepare(data)
    calibration = CycleModel.from_arrays(models.shipped.cycles_arrays()).calibration
    folder = result.with_name(f"{result.stem}-folds")
    done = folds.written(folder, steps)

    def model(fold: int) -> CycleModel:
        return folds.fold_model(prepared, fold, steps, calibration, _progress)

    if every:
        write(result, "other programs", compare(prepared, model, done, every, _say))
        return
    for fold in sorted(set(range(FOLDS)) - set(done)):
        _say(f"fold {fold}")
        folds.run_fold(prepared, fold, steps, model(fold), folder)
    for section, content in folds.pooled(folder, steps).items():
        write(result, section, content)


def _phantoms(result: Path) -> None:
    """Put the figures of phantom hearts into the result file."""
    import models.shipped
    from dsp.cycles.model import CycleModel
    from training.segmentation import phantoms as hearts
    from training.segmentation.crossvalidate import write
    from training.segmentation.shares import shares

    model = CycleModel.from_arrays(models.shipped.cycles_arrays())
    write(result, "phantom rates", hearts.rates(model))
    write(result, "phantom steps", hearts.steps(model))
    write(result, "phantom kinds", hearts.kinds(model))
    write(result, "phantom siblings", hearts.siblings(model))
    write(result, "systole's share", shares(model))


@click.command("evaluate-segmentation")
@DATA
@RESULT
@STEPS_OPTION
@click.option("--baseline", is_flag=True, help="Only the logistic emission of the publications.")
@click.option(
    "--compare", "every", type=int, default=0,
    help="Only BioSPPy and pyPCG, on every N-th recording of the finished folds (extra: compare).",
)  # fmt: skip
@click.option("--phantoms", is_flag=True, help="Only the shipped model on phantoms of every kind.")
@click.option("--tables", is_flag=True, help="Only print the tables of the result file.")
def evaluate_segmentation(
    data: Path,
    result: Path,
    steps: int,
    baseline: bool,
    every: int,
    phantoms: bool,
    tables: bool,
) -> None:
    """Cross-validate the streaming decoder; print the tables of the result file.

    Each of five folds is fitted as the shipped model was and written when it is done, to
    RESULT-folds/: interrupted, the command goes on where it stopped.
    """
    from training.segmentation.tables import markdown

    if phantoms:
        _phantoms(result)
    elif baseline:
        from training.segmentation.crossvalidate import baseline as run_baseline
        from training.segmentation.data import prepare

        run_baseline(prepare(data), result, _say)
    elif not tables:
        _folds(data, result, steps, every)
    click.echo(markdown(json.loads(result.read_text())))
