"""The bench in seconds: it counts, it never asserts a time."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
from bench_stages import STAGES, replay, write_phantom
from bench_streams import delay_in_sound, many_streams

from monitor.assembly import Models

TESTS = Path(__file__).resolve().parents[1]


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_run", TESTS / name / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_stage_of_a_replay_is_measured_and_nothing_is_lost(
    models: Models, tmp_path: Path
) -> None:
    path = write_phantom(tmp_path / "p.wav", 12)
    spent = replay(path, models, tmp_path)
    assert {name for name, calls in spent.calls.items() if calls} == {name for name, *_ in STAGES}
    assert spent.summary is not None
    assert spent.sound_s == 12
    assert (tmp_path / "p.jsonl").is_file()
    assert sum(spent.table().values()) == pytest.approx(spent.total)


def test_streams_beside_each_other_lose_nothing_and_say_the_same(
    models: Models, tmp_path: Path
) -> None:
    one = many_streams(1, 6, models, tmp_path / "one")
    three = many_streams(3, 6, models, tmp_path / "three")
    assert three.lines == {kind: 3 * count for kind, count in one.lines.items()}
    assert not {"gap", "fault"} & set(one.lines)
    assert one.lines["beat"] > 3


def test_a_beat_is_told_at_most_two_and_a_half_seconds_after_its_last_sample(
    models: Models,
) -> None:
    delays = delay_in_sound(models, 20)
    assert delays
    assert max(delays) <= 2500


def test_a_missed_target_is_a_row_that_says_so(tmp_path: Path) -> None:
    from outcome import Outcome

    out = Outcome("bench", "command", {"cores": 2})
    out.add("Table", "speed", "10 ×", 0.5, "≥ 500 ×", False)
    out.add("Table", "gaps", "0", target="0", held=True)
    assert out.line() == "bench: 1 of 2 held; not held: speed (10 ×)"
    out.write(tmp_path)
    assert json.loads((tmp_path / "bench.json").read_text())["line"] == out.line()
    assert "| speed | 10 × | 0.5 | ≥ 500 × | **no** |" in (tmp_path / "bench.md").read_text()


def test_the_bench_can_be_asked_for_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load("bench").main(["--help"])
    assert ended.value.code == 0
    assert "--minutes" in capsys.readouterr().out
