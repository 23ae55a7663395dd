"""Expected events of the shipped recordings with the stand-in model.

    python tests/support/golden.py      writes tests/golden/*.jsonl anew; read the diff

Indices are equal on every machine, p within 0.0005; so they are compared.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "golden"
RECORDINGS = ROOT / "recordings"
SUFFIXES = (".wav", ".flac")
P_TOLERANCE = 0.0005


def recordings() -> list[Path]:
    return sorted(path for path in RECORDINGS.iterdir() if path.suffix in SUFFIXES)


def lines(path: Path, model_folder: Path, block_frames: int | None = None) -> list[dict]:
    """Events of one recording as plain objects, without what a release changes."""
    import stand_in_model

    from monitor.assembly import Models, open_pipeline
    from monitor.capture.files import FileSource
    from monitor.config.load import Settings

    models: Models = replace(shipped(), engine=stand_in_model.opened(model_folder), hashes={})
    with FileSource(path, block_frames=block_frames) as source:
        pipe = open_pipeline(Settings(), models, source)
        events = [event for block in source for event in pipe.push(block).events]
        events += pipe.finish().events
    plain = [msgspec.to_builtins(event) for event in events]
    plain[0]["software"] = ""
    return plain


@cache
def shipped():
    from monitor.assembly import open_models
    from monitor.config.load import Settings

    return open_models(Settings())


def same(ours: dict, golden: dict) -> bool:
    """Whether two lines are equal, p and what follows from it within the tolerance."""
    if ours.keys() != golden.keys():
        return False
    for key, value in ours.items():
        other = golden[key]
        if isinstance(value, float) and isinstance(other, float) and key in ("p", "confidence"):
            if abs(value - other) > P_TOLERANCE:
                return False
        elif value != other:
            return False
    return True


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for path in recordings():
            target = FOLDER / f"{path.stem}.jsonl"
            encoded = [msgspec.json.encode(line) for line in lines(path, Path(folder))]
            target.write_bytes(b"\n".join(encoded) + b"\n")
            print(target)


if __name__ == "__main__":
    main()
