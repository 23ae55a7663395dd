"""An examination: place by place, nothing carried over, one page with one verdict."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from clocks import PlayingClock
from scripted import ScriptedPhantom
from virtual_microphone import VirtualMicrophone, missing

from dsp.phantom import PRESETS, render
from monitor.analysis.verdict import Thresholds
from monitor.capture.driver import CaptureSink
from monitor.cli.exam import PLACES, Plan
from monitor.cli.main import run
from monitor.config.load import Settings
from monitor.exam.folder import ExamFolder, Person
from monitor.exam.listening import Listening, PlaceHeard, Progress, listen
from monitor.record.eventfile import read

ROOT = Path(__file__).parents[2]
STARTED = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def hear(models) -> Callable[..., tuple[PlaceHeard, list[Progress]]]:
    def hearing(preset: str, place: str, limit_s: float = 40.0, **more):
        clock, device = PlayingClock(), ScriptedPhantom(preset)
        clock.play = device.deliver
        seen: list[Progress] = []
        with Listening(device, clock) as capture:
            heard = listen(capture, place, Settings(), models, clock,
                           limit_s=limit_s, tell=seen.append, **more)  # fmt: skip
        assert device.port is None
        return heard, seen

    return hearing


def test_a_place_ends_by_itself_when_enough_was_heard(hear) -> None:
    heard, seen = hear("normal", "mitral")
    assert seen[-1].enough
    assert not seen[-2].enough
    assert seen[-1].heard_s < 25
    assert heard.summary.verdict.windows >= 15
    assert heard.summary.rate == pytest.approx(72, abs=2)
    assert len(heard.sound) == pytest.approx(2000 * heard.summary.duration_s, abs=1000)
    assert [one.windows for one in seen] == sorted(one.windows for one in seen)


def test_a_place_ends_when_the_time_is_up_or_somebody_says_so(hear) -> None:
    heard, _ = hear("normal", "mitral", limit_s=3.0)
    assert heard.summary.duration_s == pytest.approx(3, abs=0.3)
    assert heard.summary.verdict.value == "none"
    count = iter(range(100))
    heard, _ = hear("normal", "mitral", stop=lambda: next(count) >= 20)
    assert heard.summary.duration_s == pytest.approx(2, abs=0.3)


def test_five_places_become_one_page_and_nothing_is_carried_over(hear, tmp_path) -> None:
    folder = ExamFolder(tmp_path / "x", Person("P-17 <b>", "first visit", "child"), STARTED,
                        Thresholds(0.44, 0.56))  # fmt: skip
    alone, _ = hear("normal", "mitral")
    presets = dict(zip(PLACES, ("murmur", "normal", "normal", "normal", "normal"), strict=True))
    for place, preset in presets.items():
        heard, _ = hear(preset, place)
        folder.add(heard, STARTED)
    assert heard.events[1:] == alone.events[1:]  # the murmur before it changes nothing
    verdict, _ = folder.finish()
    assert verdict.value == "abnormal"
    assert verdict.evidence.startswith("1 of 5 places")
    names = sorted(path.name for path in (tmp_path / "x").iterdir())
    assert names[:4] == ["1-aortic.flac", "1-aortic.jsonl", "2-pulmonic.flac", "2-pulmonic.jsonl"]
    assert len(names) == 13
    page = (tmp_path / "x" / "exam.html").read_text()
    assert page.count("<audio") == 5
    assert "P-17 &lt;b&gt;" in page
    assert "P-17 <b>" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    told = json.loads((tmp_path / "x" / "exam.json").read_text())
    assert [row["verdict"] for row in told["places"]] == ["abnormal", *["normal"] * 4]
    assert told["places"][0]["systole_db"] > told["places"][1]["systole_db"] + 10
    bundle = json.loads((tmp_path / "x" / "exam.fhir.json").read_text())
    kinds = [entry["resource"].get("bodySite", {}).get("text") for entry in bundle["entry"]]
    assert {kind for kind in kinds if kind} == set(PLACES)
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == len(bundle["entry"])
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o700
    for path in (tmp_path / "x").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        if path.name not in ("exam.html", "exam.json"):
            assert b"P-17" not in path.read_bytes()
    assert [line.index for line in read(tmp_path / "x" / "1-aortic.jsonl")]


def test_a_place_that_could_not_be_judged_is_seen_wherever_the_verdict_is(hear, tmp_path) -> None:
    folder = ExamFolder(tmp_path / "x", Person("P-17"), STARTED, Thresholds(0.44, 0.56))
    folder.add(hear("normal", "aortic")[0], STARTED)
    for place in ("Erb", "Erb", "mitral"):  # twice: one place all the same
        folder.add(hear("normal", place, limit_s=4.0)[0], STARTED)
    verdict, _ = folder.finish()
    assert (verdict.value, verdict.scope) == ("unsure", "1 of 3")  # one of three is not enough
    assert verdict.not_judged == ("Erb", "mitral")
    words = "2 of 3 not judged: Erb, mitral"
    assert words in verdict.evidence
    page = (tmp_path / "x" / "exam.html").read_text()
    assert "Heart sound, 1 of 3 places" in page
    assert words in page
    told = json.loads((tmp_path / "x" / "exam.json").read_text())
    assert (told["judged"], told["not_judged"]) == (1, ["Erb", "mitral"])
    assert [row["name"] for row in told["places"]] == ["aortic", "Erb", "Erb", "mitral"]
    bundle = json.loads((tmp_path / "x" / "exam.fhir.json").read_text())
    pytest.importorskip("fhir.resources.R4B.bundle").Bundle.model_validate(bundle)
    heard = [
        one["resource"] for one in bundle["entry"]
        if one["resource"].get("code", {}).get("text", "").startswith("Heart sound")
    ]  # fmt: skip
    assert [one.get("valueCodeableConcept", {}).get("text") for one in heard] == [
        "normal", None, None, None, "unsure",
    ]  # fmt: skip
    assert all("dataAbsentReason" in one for one in heard[1:4])
    assert words in heard[4]["note"][0]["text"]
    assert len(heard[4]["hasMember"]) == 4


def test_the_examiner_says_which_place_comes_next(monkeypatch) -> None:
    lines = ["", "s", "TRICUSPID", "axilla, left side", "", "q"]
    monkeypatch.setattr("sys.stdin", StringIO("".join(f"{line}\n" for line in lines)))
    plan, found = Plan(list(PLACES)), []
    while (place := plan.next()) is not None:
        plan.heard(place, judged=True)
        found.append(place)
    assert found == ["aortic", "tricuspid", "axilla, left side", "Erb"]
    monkeypatch.setattr("sys.stdin", StringIO(""))
    assert Plan(["mitral"]).next() is None
    monkeypatch.setattr("sys.stdin", StringIO("\n\n"))
    plan = Plan(["mitral"])
    assert [plan.next(), plan.next()] == ["mitral", "mitral"]  # a device that failed: again
    monkeypatch.setattr("sys.stdin", StringIO("axilla\n\n\n\n"))
    plan, found = Plan(["mitral"]), []
    while (place := plan.next()) is not None:
        found.append(place)
        plan.heard(place, judged=len(found) > 1)
    assert found == ["axilla", "axilla", "mitral"]


class _Unplugged(ScriptedPhantom):
    """Is not there at the second place, and there again after it."""

    def __init__(self, clock: PlayingClock) -> None:
        super().__init__("normal")
        self._clock, self._opened = clock, 0

    def resolve(self) -> tuple[int, int]:
        self._opened += 1
        self.present = self._opened != 2
        return super().resolve()

    def open(self, port: CaptureSink) -> ScriptedPhantom:
        self._clock.play = self.deliver
        return super().open(port)


def _exam(monkeypatch, typed: str, *words: object) -> int:
    clock = PlayingClock()
    device = _Unplugged(clock)
    monkeypatch.setattr("monitor.live.source.driver_for", lambda *_: device)
    monkeypatch.setattr("monitor.clock.SystemClock", lambda: clock)
    monkeypatch.setattr("sys.stdin", StringIO(typed))
    return run(["exam", "--phantom", "normal", *map(str, words)])


def test_the_command_asks_listens_and_says_where_the_page_is(monkeypatch, tmp_path, capsys) -> None:
    out = tmp_path / "exam"
    typed = "P-17\nnote\n\n\n\nq\n"  # the second Enter finds no device, the third one does
    assert _exam(monkeypatch, typed, "-o", out, "--age", "child") == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("aortic: NORMAL")
    assert said.out.splitlines()[1].startswith("pulmonic: NORMAL")
    assert "2 of 2 places: NORMAL  0 of 2 places" in said.out
    assert "not connected" in said.err
    assert json.loads((out / "exam.json").read_text())["age"] == "child"
    [session, *_] = read(out / "1-aortic.jsonl")
    assert session.settings["alarms.profile"] == "child"
    asked = tmp_path / "asked"
    typed = "\n\nten\nIN\n\n\nq\n"  # "ten" is no age group
    assert _exam(monkeypatch, typed, "-o", asked, "--profile", "child") == 0
    assert capsys.readouterr().err.count("neonate [child]") == 2
    assert json.loads((asked / "exam.json").read_text())["age"] == "infant"
    [session, *_] = read(asked / "1-aortic.jsonl")
    assert session.settings["alarms.profile"] == "infant"
    assert _exam(monkeypatch, "\n\n\n", "-o", out) == 2
    assert "is not empty" in capsys.readouterr().err


def test_what_cannot_be_is_one_line_and_leaves_nothing(monkeypatch, tmp_path, capsys) -> None:
    for words, code, told in (
        (["exam"], 2, "name --device or --phantom"),
        (["exam", "--device", "x", "--phantom", "normal"], 2, "name --device or --phantom"),
    ):
        assert run(words) == code
        assert told in capsys.readouterr().err
    out = tmp_path / "exam"
    assert _exam(monkeypatch, "\n\n\nq\n", "-o", out) == 3
    assert "no place was heard" in capsys.readouterr().err
    assert not out.exists()
    (tmp_path / "file").touch()
    assert _exam(monkeypatch, "\n\n\n\n\n", "-o", tmp_path / "file" / "exam") == 6
    said = capsys.readouterr()
    assert "cannot write in" in said.err
    assert "Enter listens" not in said.out  # the place that was heard first was lost
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    assert _exam(monkeypatch, "\n\n\n", "-o", out, "--pdf") == 2
    assert "apexbeat[pdf]" in capsys.readouterr().err
    assert not out.exists()


def test_an_interrupt_keeps_the_places_that_were_heard(monkeypatch, tmp_path, capsys) -> None:
    class Interrupted(StringIO):
        def readline(self, *_: object) -> str:
            line = super().readline()
            if line == "^C\n":
                raise KeyboardInterrupt
            return line

    out = tmp_path / "exam"
    monkeypatch.setattr("monitor.cli.exam.sys.stdin", Interrupted("\n\n\n\n^C\n"))
    clock = PlayingClock()
    device = ScriptedPhantom("normal")
    clock.play = device.deliver
    monkeypatch.setattr("monitor.live.source.driver_for", lambda *_: device)
    monkeypatch.setattr("monitor.clock.SystemClock", lambda: clock)
    assert run(["exam", "--phantom", "normal", "-o", str(out)]) == 130
    assert (out / "exam.html").is_file()
    assert "0 of 1 places" in capsys.readouterr().out


@pytest.mark.audio
@pytest.mark.skipif(bool(missing()), reason=f"not installed: {missing()}")
def test_five_places_are_heard_through_a_virtual_microphone(tmp_path) -> None:
    sound = render(PRESETS["murmur"], 4000).sound.astype(np.float32)
    sf.write(tmp_path / "heart.wav", np.tile(sound, 4), 4000, subtype="PCM_16")
    out = tmp_path / "exam"
    with VirtualMicrophone(tmp_path / "vm") as microphone:
        microphone.play(tmp_path / "heart.wav")
        done = subprocess.run(
            [sys.executable, "-m", "monitor.cli.main", "exam", "--device", "vmic", "-o", str(out),
             "--limit", "10"],
            input="P-17\n\n\n\n\n\n\n\n", capture_output=True, text=True, cwd=ROOT, timeout=200,
            env=microphone.env | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads((out / "exam.json").read_text())
    assert [row["name"] for row in told["places"]] == list(PLACES)
    assert all(row["beats"] >= 8 for row in told["places"])
    assert (told["id"], told["verdict"]) == ("P-17", "abnormal")
    assert os.path.getsize(out / "exam.html") > 500_000
