"""Recordings of the Challenge 2016, where they are at hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pytest

from monitor.config.load import Settings
from monitor.record.eventfile import schema
from monitor.replay.batch import Options, replay_file

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "cinc2016"
EACH = 2
"""Recordings of each database."""

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/cinc2016"),
]


def shortest() -> list[Path]:
    """The shortest recordings of each database: the ones with the most borders."""
    with (DATA / "recordings.csv").open(encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: float(row["duration_s"]))
    found = []
    for database in "abcdef":
        names = [row["name"] for row in rows if row["database"] == database][:EACH]
        found += [DATA / f"training-{database}" / f"{name}.flac" for name in names]
    return found


@pytest.mark.parametrize("path", shortest() if DATA.is_dir() else [], ids=lambda p: p.stem)
def test_a_recording_gives_a_valid_event_file_that_no_cut_changes(path, models, tmp_path):
    contents = []
    for name, frames in (("whole", None), ("cut", 997)):
        options = Options(events=tmp_path / name, block_frames=frames)
        options.events.mkdir()
        summary = replay_file(path, Settings(), models, options)
        contents.append((options.events / f"{path.stem}.jsonl").read_bytes())
        assert summary.faults == []
        assert summary.complete
    assert contents[0] == contents[1]
    validator = jsonschema.Draft202012Validator(schema())
    for line in contents[0].splitlines():
        validator.validate(json.loads(line))
