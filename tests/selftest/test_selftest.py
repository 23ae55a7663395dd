"""What `apexbeat selftest` says of alarms, of a chest, and of what is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from clocks import PlayingClock, VirtualClock
from scripted import BLOCK, ScriptedPhantom

from dsp.cycles.model import CycleModel
from models import shipped
from monitor.alarms.table import TABLE
from monitor.assembly import Models
from monitor.cli.main import run
from monitor.config.load import Settings, build
from monitor.selftest import alarms as alarmcheck
from monitor.selftest import device as chestcheck
from monitor.selftest.installation import Failed


def test_every_row_of_the_alarm_table_is_raised_and_acknowledged(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["selftest", "--alarm", "--set", "sound.alarms=false"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines] == [rule.kind for rule in TABLE]
    assert all(line.startswith("ok") and "acknowledged" in line for line in lines)


def test_an_alarm_that_does_not_come_is_a_failure() -> None:
    late = build({"alarms": {"rate_delay_s": 60.0}})
    checks = dict(alarmcheck.checks(late, VirtualClock()))
    with pytest.raises(Failed, match="not raised"):
        checks["tachycardia"]()


def test_an_output_that_fails_is_said_with_what_rings_instead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(output: str, volume: float) -> Callable[..., None]:
        def play(*_: object) -> None:
            raise OSError("no audio output: none")

        return play

    monkeypatch.setattr(alarmcheck, "portaudio", broken)
    checks = dict(alarmcheck.checks(Settings(), VirtualClock()))
    with pytest.raises(Failed, match="bell"):
        checks["sound, high"]()


def _chest(play: Callable[[ScriptedPhantom], None], preset: str = "normal") -> dict[str, str]:
    clock, device = PlayingClock(), ScriptedPhantom(preset)
    clock.play = lambda: play(device)
    models = Models(None, CycleModel.from_arrays(shipped.cycles_arrays()))
    said = {}
    for title, check in chestcheck.checks(device, Settings(), models, clock):
        try:
            said[title] = check()
        except Failed as failed:
            said[title] = f"FAIL {failed}"
    return said


def test_a_chest_passes_with_its_rate() -> None:
    said = _chest(lambda device: device.deliver())
    assert not [words for words in said.values() if words.startswith("FAIL")]
    assert "71/min" in said["heart"] or "72/min" in said["heart"]


def _deliver(device: ScriptedPhantom, value: int) -> None:
    assert device.port is not None
    device.port.deliver(np.full((BLOCK, 1), value, np.int16))


def test_a_membrane_in_the_air_is_no_heart_and_too_quiet() -> None:
    said = _chest(lambda device: _deliver(device, 0))
    assert said["level"].startswith("FAIL")
    assert "NO_HEART" in said["heart"]
    assert not said["device"].startswith("FAIL")


def test_clipping_and_gaps_and_a_dead_device_are_told() -> None:
    assert "full scale" in _chest(lambda device: _deliver(device, 32767))["clipping"]
    dead = _chest(lambda _: None)
    assert dead["device"].startswith("FAIL")
    blocks = iter(range(10_000))

    def with_a_hole(device: ScriptedPhantom) -> None:
        device.deliver(arrives=next(blocks) not in range(50, 60))

    assert _chest(with_a_hole)["continuity"].startswith("FAIL 1 gaps")


def test_a_device_and_a_phantom_exclude_each_other() -> None:
    assert run(["selftest", "--device", "x", "--phantom", "normal"]) == 2
