"""Settings that are remembered: written into the file, the rest of it as a person wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.cli.main import run
from monitor.config.edit import remember
from monitor.config.load import load
from monitor.errors import UsageError

WRITTEN = """\
# our ward
[alarms]
tachycardia = 130  # agreed in May

[record]
clips = false
"""


def test_comments_and_other_keys_stay(tmp_path: Path) -> None:
    path = tmp_path / "apexbeat.toml"
    path.write_text(WRITTEN)
    remember({"capture.device": "alsa:USB", "alarms.tachycardia": 125.0}, path)
    text = path.read_text()
    assert "# our ward" in text
    assert "# agreed in May" in text
    loaded = load(path).settings
    assert loaded.capture.device == "alsa:USB"
    assert loaded.alarms.tachycardia == 125
    assert not loaded.record.clips
    assert [p.name for p in tmp_path.iterdir()] == ["apexbeat.toml"]


def test_a_file_that_is_not_there_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "apexbeat.toml"
    remember({"analysis.channel": 2}, path)
    assert load(path).settings.analysis.channel == 2
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"alarms.tachycardia": 10.0}, "alarms.tachycardia"),
        ({"alarms.tachycardias": 10.0}, "unknown"),
        ({"capture.device": 3}, "capture.device"),
    ],
)
def test_what_would_be_wrong_changes_nothing(
    tmp_path: Path, values: dict[str, object], words: str
) -> None:
    path = tmp_path / "apexbeat.toml"
    path.write_text(WRITTEN)
    with pytest.raises(UsageError, match=words):
        remember(values, path)
    assert path.read_text() == WRITTEN


@pytest.mark.parametrize("text", ["[alarms", "alarms = 3\n", "\udcff"])
def test_a_file_that_cannot_be_read_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "apexbeat.toml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError):
        remember({"alarms.tachycardia": 110.0}, path)
    assert path.read_bytes() == text.encode(errors="surrogateescape")


def test_config_saves_what_set_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "apexbeat.toml"
    assert run(["config", "--config", str(path), "--set", "analysis.channel=2", "--save"]) == 0
    assert f"(file {path})" in capsys.readouterr().out
    assert load(path).settings.analysis.channel == 2
    assert run(["config", "--config", str(path), "--set", "analysis.channel=-2", "--save"]) == 2
    assert load(path).settings.analysis.channel == 2
