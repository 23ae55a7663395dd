"""``import apexbeat``: the same numbers as the commands, in tables that a researcher can use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import apexbeat
from apexbeat import tables
from monitor.cli.main import run

RECORDINGS = Path(__file__).parents[2] / "recordings"
NORMAL = RECORDINGS / "normal.wav"


@pytest.fixture(scope="module")
def result() -> apexbeat.Result:
    return apexbeat.analyze(NORMAL)


def test_importing_the_library_loads_nothing_large() -> None:
    code = (
        "import sys, apexbeat; assert 'analyze' in dir(apexbeat);"
        "large = {'numpy', 'scipy', 'torch', 'pandas', 'msgspec'} & set(sys.modules);"
        "assert not large, large"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_file_its_samples_and_a_stream_of_them_say_the_same(result: apexbeat.Result) -> None:
    samples, rate = soundfile.read(NORMAL, dtype="float32")
    array = apexbeat.analyze(samples, rate=rate)
    live = apexbeat.stream(rate)
    found = [event for part in np.array_split(samples, 97) for event in live.push(part)]
    streamed = live.finish()
    assert array.events[1:] == streamed.events[1:] == result.events[1:]
    assert found == list(streamed.events[: len(found)])
    np.testing.assert_array_equal(array.sound, result.sound)
    of_file = {"name", "file", "warnings", "channel"}
    rows = [{k: v for k, v in one.to_dict().items() if k not in of_file}
            for one in (result, array, streamed)]  # fmt: skip
    assert rows[0] == rows[1] == rows[2]


def test_the_full_scale_of_samples_does_not_matter(result: apexbeat.Result) -> None:
    """Samples in units of 16 bits were all clipped, very quiet ones flat: no verdict, no word."""
    samples, rate = soundfile.read(NORMAL, dtype="float32")
    for scale in (2.0**15, 2.0**-17):
        assert apexbeat.analyze(samples * np.float32(scale), rate=rate).rate == result.rate


def test_samples_that_are_no_sound_are_refused_by_what_is_wrong() -> None:
    for samples, words in (
        (np.zeros((2, 8000)), "8000 channels; give \\[n, channels\\]"),
        (np.zeros(0), "there are no samples"),
        (np.zeros((0, 2)), "there are no samples"),
    ):
        with pytest.raises(apexbeat.InputError, match=words):
            apexbeat.analyze(samples, rate=2000)


def test_a_stream_ends_once() -> None:
    """The second end was a fault of analysis, with its alarm and a second last line."""
    live = apexbeat.stream(2000)
    live.push(np.zeros(8000, np.float32))
    live.push(np.zeros(0, np.float32))
    assert live.finish() is live.finish()
    with pytest.raises(apexbeat.InputError, match="has ended"):
        live.push(np.zeros(10))


def test_kept_sound_stands_at_its_time_beyond_a_loss(
    result: apexbeat.Result, tmp_path: Path
) -> None:
    samples, rate = soundfile.read(NORMAL, dtype="float32")
    samples[8 * rate : 8 * rate + rate // 2] = 0.0
    soundfile.write(tmp_path / "dropout.wav", samples, rate)
    broken = apexbeat.analyze(tmp_path / "dropout.wav")
    assert result.sound is not None
    assert broken.sound is not None
    lost = np.flatnonzero(np.isnan(broken.sound)) / 2000
    assert (lost[0], lost[-1]) == pytest.approx((8.0, 8.5), abs=0.01)
    after = slice(10 * 2000, 20 * 2000)
    assert np.corrcoef(broken.sound[after], result.sound[after])[0, 1] > 0.99


def test_the_library_and_the_command_say_the_same(
    result: apexbeat.Result, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", str(NORMAL), "--json", "--events", str(tmp_path)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert json.loads(result.to_json()) == result.to_dict() == said
    assert apexbeat.read_events(tmp_path / "normal.jsonl").events == result.events


def test_tables_are_in_seconds_and_agree_with_one_another(result: apexbeat.Result) -> None:
    assert len(result.beats) == len(result.rows("beats")) > 60
    assert list(result.beats.columns[:3]) == ["s1_s", "systole_s", "s2_s"]
    assert result.rr.rr_s.median() == pytest.approx(60 / result.rate, rel=0.02)
    assert not result.rr.missing.iloc[:-1].any()
    assert result.quality.end_s.iloc[-1] == pytest.approx(result.duration_s)
    assert result.heart.value.iloc[-1] == "heard"
    assert result.windows.p[result.windows.used].notna().all()
    assert result.alarms.empty
    assert (result.verdict.value, round(result.rate)) == ("normal", 72)
    assert "NORMAL" in result.summary()


def test_without_pandas_a_table_is_a_list_of_dataclasses(
    result: apexbeat.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert isinstance(result.beats[0], tables.Beat)


def test_many_recordings_come_in_order_and_one_that_is_broken_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound")
    paths = [NORMAL, broken, RECORDINGS / "tachycardia.flac"]
    first, second, third = apexbeat.analyze_many(paths, 2, errors="yield")
    assert isinstance(second, apexbeat.InputError)
    assert isinstance(first, apexbeat.Result)
    assert isinstance(third, apexbeat.Result)
    assert [alarm.kind for alarm in third.rows("alarms")] == ["tachycardia"]
    with pytest.raises(apexbeat.InputError):
        list(apexbeat.analyze_many(paths, 1))


def test_files_and_a_figure_are_written(result: apexbeat.Result, tmp_path: Path) -> None:
    paths = result.to_csv(tmp_path / "tables")
    assert len(paths) == len(tables.MAKERS)
    assert paths[0].read_text().splitlines()[0] == "s1_s,systole_s,s2_s,diastole_s,end_s,confidence"
    with pytest.raises(FileExistsError):
        result.to_csv(tmp_path / "tables")
    result.plot(10, 20).savefig(tmp_path / "heart.png")
    assert (tmp_path / "heart.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("source", "rate", "words"),
    [
        (np.zeros(100), None, "rate of samples is not known"),
        (np.zeros((2, 2, 2)), 4000, "no sound"),
        (np.array(["x"]), 4000, "no sound"),
        (str(NORMAL), 4000, "knows its rate"),
        (np.zeros(100), 10, "array"),
    ],
)
def test_what_is_no_sound_is_one_clear_line(source: object, rate: int | None, words: str) -> None:
    with pytest.raises(apexbeat.ApexbeatError, match=words):
        apexbeat.analyze(source, rate)  # type: ignore[arg-type]


def test_a_wrong_setting_is_named() -> None:
    with pytest.raises(apexbeat.ApexbeatError, match=r"alarms\.tachycardi"):
        apexbeat.analyze(np.zeros(4000), 4000, settings={"alarms.tachycardi": 1})


def test_a_package_that_hides_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("")
    code = "import sys; sys.path.insert(0, sys.argv[1]); import apexbeat; apexbeat.analyze"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "Apexbeat's package 'models' is hidden by" in done.stderr.splitlines()[-1]
