"""Small files written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from training.errors import TrainingError


def write_whole(path: Path, text: str) -> None:
    """Write a text file beside its place, then rename it.

    Raises
    ------
    TrainingError
        If it cannot be written; what was there stays.
    """
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise TrainingError(f"{path} cannot be written ({error})", "free space") from error
