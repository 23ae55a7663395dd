"""Settings: one file, typed and checked; each wrong one is a line that names its key."""

from __future__ import annotations

import json

import pytest

from monitor.cli.main import run
from monitor.config.load import Alarms, Settings, build, default_path, describe, load, names
from monitor.errors import UsageError


def written(tmp_path, text):
    path = tmp_path / "apexbeat.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_need_no_file_and_make_none(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    loaded = load()
    assert loaded.settings == Settings()
    assert set(loaded.origin.values()) == {"default"}
    assert list(tmp_path.iterdir()) == []
    assert default_path().name == "apexbeat.toml"


def test_a_file_and_then_options_are_laid_over_the_defaults(tmp_path):
    path = written(tmp_path, "[alarms]\ntachycardia = 130\n[record]\nsound = true\n")
    loaded = load(path, ["alarms.tachycardia=140", "capture.device=USB Stethoscope"])
    assert loaded.settings.alarms.tachycardia == 140
    assert loaded.settings.record.sound
    assert loaded.settings.capture.device == "USB Stethoscope"
    assert loaded.origin["alarms.tachycardia"] == "option"
    assert loaded.origin["record.sound"] == f"file {path}"
    assert loaded.origin["alarms.bradycardia"] == "default"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[alarms]\nfoo = 1", "setting alarms.foo: unknown"),
        ("[foo]\nx = 1", "setting foo: unknown"),
        ("[alarms]\ntachycardia = 'x'", "setting alarms.tachycardia: expected `float`, got `str`"),
        ("[record]\nsound = 1", "setting record.sound: expected `bool`"),
        ("alarms = 3", "setting alarms: expected"),
        ("[alarms]\ntachycardia = 45", "setting alarms.bradycardia: 50 must be below"),
        ("[alarms]\nbradycardia_extreme = 50", "setting alarms.bradycardia_extreme: 50 must be"),
        ("[alarms]\ntachycardia = true", "setting alarms.tachycardia: expected `float`"),
        ("[verdict]\nwindows = 3.5", "setting verdict.windows: expected `int`"),
        ("[alarms]\ntachycardia = nan", "setting alarms.tachycardia: nan must be between"),
        ("[alarms]\ntachycardia = 1e9", "setting alarms.tachycardia: 1e+09 must be between"),
        ("[alarms]\ntachycardia = 60\ntachycardia_band = 20", "bands of rate limits overlap"),
        ("[alarms]\nabnormal_windows = 16", "setting alarms.abnormal_windows: 16 must be below"),
        ("[verdict]\nleast = 6", "setting verdict.least"),
        ("[screen]\ntheme = 'pink'", "setting screen.theme"),
        ("[alarms\n", "not TOML"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_key(text, words, tmp_path):
    with pytest.raises(UsageError) as caught:
        load(written(tmp_path, text))
    assert words in caught.value.what
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("option", ["alarms", "alarms.tachycardia", "x=1", "alarms.none=1"])
def test_a_wrong_option_is_refused(option):
    with pytest.raises(UsageError):
        load(None, [option])


def test_a_file_that_is_missing_or_no_text_is_told(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml"):
        load(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"[alarms]\n\x80\x81")
    with pytest.raises(UsageError, match="UTF-8"):
        load(tmp_path / "b.toml")


def test_every_setting_has_a_docstring():
    words = describe()
    assert list(words) == names()
    assert all(text.endswith(".") for text in words.values())


def test_the_event_file_holds_what_decides_and_no_path():
    kept = Settings().for_event_file()
    assert "analysis.model" not in kept
    assert {key.partition(".")[0] for key in kept} == {"analysis", "verdict", "alarms"}
    assert kept["alarms.tachycardia"] == 120.0


def test_integers_may_stand_for_numbers():
    assert build({"alarms": {"tachycardia": 130}}).alarms == Alarms(tachycardia=130.0)


def test_config_shows_each_value_and_where_it_came_from(tmp_path, capsys):
    path = written(tmp_path, "[alarms]\ntachycardia = 130\n")
    assert run(["config", "--config", str(path), "--set", "alarms.bradycardia=45"]) == 0
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if line.startswith("tachycardia = ")]
    assert line.startswith("tachycardia = 130.0")
    assert str(path) in line
    assert run(["config", "--config", str(path), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["alarms.tachycardia"] == {"value": 130.0, "from": f"file {path}"}
    assert list(table) == names()
    assert run(["config", "--path"]) == 0
    assert capsys.readouterr().out.strip().endswith("apexbeat.toml")


def test_what_config_prints_can_be_a_settings_file(tmp_path, capsys):
    assert run(["config"]) == 0
    path = written(tmp_path, capsys.readouterr().out)
    assert load(path).settings == Settings()
