"""Levels of devices: measured right, and read from a process that may die or hang."""

from __future__ import annotations

import queue
import sys
from collections.abc import Sequence

import numpy as np
import pytest

from monitor.capture import levels
from monitor.capture.levels import LevelMeter
from monitor.capture.meter import Level, Meter
from monitor.cli.devices import lines
from monitor.errors import DeviceError
from monitor.link.messages import Levels
from monitor.live.levels import LevelWatch

LEVEL = Level(identity="alsa:mic", name="mic", rate_hz=4000, channels=1, default=True)
LOUD = Level(
    identity="alsa:mic", name="mic", rate_hz=4000, channels=1, default=True, peak_db=-6.0,
    rms_db=-12.0, clipped=2,
)  # fmt: skip


def test_peak_and_rms_are_those_of_the_sound_since_the_last_look() -> None:
    meter = Meter()
    meter.take(np.array([[16384], [-16384]], np.int16))
    meter.take(np.array([[-32768], [0]], np.int16))
    told = meter.tell()
    assert told is not None
    assert told == (0.0, pytest.approx(-4.3, abs=0.05), 1)
    assert meter.tell() is None


def test_a_line_shows_a_bar_or_why_there_is_none() -> None:
    [loud] = lines([LOUD])
    assert "#" * 27 + "..." in loud
    assert "CLIPS" in loud
    [mute] = lines([Level(**{**_dict(LEVEL), "trouble": "is it in use?"})])
    assert "is it in use?" in mute
    assert "no input device" in lines([])[0]


def _dict(level: Level) -> dict[str, object]:
    return {name: getattr(level, name) for name in level.__struct_fields__}


def _process(words: str) -> Sequence[str]:
    return (sys.executable, "-c", f"import sys; {words}; sys.stdout.flush(); sys.stdin.read()")


def test_a_meter_that_says_why_it_ends_is_started_again() -> None:
    with LevelMeter(command=_process("print('\"no sound system\"')")) as meter:
        for _ in range(2):
            with pytest.raises(DeviceError, match="no sound system"):
                _read(meter)


def _read(meter: LevelMeter, wait_s: float = 5.0) -> list[Level]:
    while (told := meter.read(wait_s)) is None:
        pass
    return told


def test_a_meter_that_dies_or_hangs_is_an_error_and_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        LevelMeter(command=(sys.executable, "-c", "")) as meter,
        pytest.raises(DeviceError, match="died"),
    ):
        _read(meter)
    monkeypatch.setattr(levels, "SILENT_S", 0.0)
    with (
        LevelMeter(command=_process("pass")) as meter,
        pytest.raises(DeviceError, match="not answer"),
    ):
        _read(meter, 0.01)


class _FakeMeter:
    def __init__(self, skip: Sequence[str]) -> None:
        self.skip = skip

    def __enter__(self) -> _FakeMeter:
        return self

    def __exit__(self, *_: object) -> None:
        ended.put(self)

    def read(self, timeout_s: float) -> list[Level]:
        return [LOUD]


ended: queue.SimpleQueue[_FakeMeter] = queue.SimpleQueue()


def test_a_meter_runs_while_somebody_looks_and_leaves_what_is_monitored_alone() -> None:
    sent: queue.Queue[tuple[int, Levels]] = queue.Queue(4)
    watch = LevelWatch(
        lambda client, told: sent.put((client, told)),
        lambda: ["alsa:heart"],
        _FakeMeter,  # type: ignore[arg-type]
    )
    watch.want(3, True)
    client, told = sent.get(timeout=10)
    assert (client, told.devices[0].peak_db) == (3, -6.0)
    watch.want(3, False)
    while ended.empty():
        sent.get(timeout=10)
    assert ended.get().skip == ["alsa:heart"]


def test_a_meter_that_is_closed_lets_go_of_the_devices_before_one_is_opened() -> None:
    watch = LevelWatch(lambda *_: None, list, _FakeMeter)  # type: ignore[arg-type]
    watch.close()(10)
    watch.want(1, True)
    watch.want(2, True)
    watch.close()(10)
    assert not ended.empty()
    ended.get()
