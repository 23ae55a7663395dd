"""Many beds on one screen: every alarm once, silent beds soon, nothing stale shown as now."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from pathlib import Path

import msgspec
import pytest
from mosquitto import Mosquitto
from simulator import SimulatedBed, Watch
from ward_scene import GOLDEN, PICTURE, SHOTS, raised, states, take

from monitor.cli.main import run
from monitor.integrations.beds import FRESH_S, SILENT_S, Ward
from monitor.integrations.messages import AlarmMessage, Recent


def alarm(number: int, state: str = "active") -> AlarmMessage:
    return AlarmMessage(
        id=f"o:{number}", bed="b", session="s", index=number, wall=float(number), kind="irregular",
        priority="low", state=state, evidence="",  # type: ignore[arg-type]
    )  # fmt: skip


def ward_with(*beds: int) -> Ward:
    ward = Ward()
    ward.link(True, 0.0)
    for heard in states(range(1, 51)):
        if int(heard.topic.split("-")[1][:2]) in beds:
            ward.receive(heard.topic, heard.body, False, 0.0)
    return ward


def test_an_alarm_is_shown_once_whichever_way_and_however_often_it_comes() -> None:
    ward = Ward()
    body = msgspec.json.encode(alarm(1))
    both = msgspec.json.encode(Recent(alarms=[alarm(1), alarm(2), alarm(3, "inactive")]))
    assert [e.id for e in ward.receive("apexbeat/b/alarm", body, False, 0.0)] == ["o:1"]
    assert ward.receive("apexbeat/b/alarm", body, False, 0.0) == []
    assert [e.id for e in ward.receive("apexbeat/b/recent", both, True, 0.0)] == ["o:2"]
    assert ward.receive("apexbeat/b/recent", both, False, 0.0) == []
    assert [e.id for e in ward.log] == ["o:2", "o:1"]


def test_a_bed_that_says_nothing_loses_its_numbers_and_then_is_an_alarm_until_it_is_heard() -> None:
    ward = ward_with(1)
    assert ward.rows(1.0)[0].fresh
    assert not ward.rows(FRESH_S + 0.1)[0].fresh
    assert ward.tick(SILENT_S, 0.0) == []
    assert [e.kind for e in ward.tick(SILENT_S + 0.1, 0.0)] == ["bed_silent"]
    [row] = ward.rows(SILENT_S + 0.1)
    assert (row.priority, row.answered, row.silent_s is not None) == ("high", False, True)
    heard = states(range(1, 2))[0]
    ward.receive(heard.topic, heard.body, False, 9.0)
    assert [e.kind for e in ward.tick(9.0, 0.0)] == ["bed_back"]
    assert ward.rows(9.0)[0].silent_s is None


def test_a_last_will_makes_a_bed_silent_at_once_and_an_orderly_end_never() -> None:
    ward = ward_with(1, 44)  # 44 has ended
    heard = states(range(1, 2))[0]
    ward.receive(heard.topic, heard.body, False, SILENT_S)
    for bed in (1, 44):
        ward.receive(f"apexbeat/bed-{bed:02d}/availability", b"offline", False, SILENT_S)
    assert ward.tick(SILENT_S, 0.0) == []  # the broker may have been away, and the bed with it
    assert [e.bed for e in ward.tick(SILENT_S + 0.1, 0.0)] == ["bed-01"]
    assert ward.tick(100.0, 0.0) == []


def test_what_the_broker_kept_is_no_sign_of_life() -> None:
    ward = Ward()
    ward.link(True, 0.0)
    heard = states(range(1, 2))[0]
    ward.receive(heard.topic, heard.body, True, 0.0)
    assert not ward.rows(0.1)[0].fresh
    assert [e.kind for e in ward.tick(SILENT_S + 0.1, 0.0)] == ["bed_unheard"]
    [row] = ward.rows(SILENT_S + 0.1)
    assert (row.priority, row.unheard) == ("medium", True)


def test_while_the_broker_is_away_no_bed_is_blamed_and_no_number_is_shown() -> None:
    ward = ward_with(1)
    ward.link(False, 1.0)
    assert ward.tick(60.0, 0.0) == []
    assert not ward.rows(1.1)[0].fresh
    assert ward.away_s(61.0) == 60.0
    ward.link(True, 61.0)
    assert ward.tick(61.0 + SILENT_S, 0.0) == []
    assert len(ward.tick(61.1 + SILENT_S, 0.0)) == 1


def test_a_stranger_on_the_broker_neither_breaks_the_ward_nor_reaches_its_terminal() -> None:
    ward = Ward()
    for body in (b"", b"{}", b"\xff" * 100, b"[1]", b'{"alarms":7}'):
        for what in ("state", "alarm", "recent", "availability", "else"):
            ward.receive(f"apexbeat/x\x1b[2J/{what}", body, False, 0.0)
    assert ward.strange >= 12
    hostile = msgspec.structs.replace(alarm(1), evidence="\x1b[2J\n[bold]", kind="\x07x")
    [entry] = ward.receive("apexbeat/b/alarm", msgspec.json.encode(hostile), False, 0.0)
    assert (entry.evidence, entry.kind) == ("[bold]", "x")
    for number in range(3000):
        ward.receive(f"apexbeat/{number}/availability", b"online", False, 0.0)
    assert len(ward.rows(0.0)) <= 1000


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot[0])
def test_the_ward_is_as_it_was_read_by_a_person(shot: tuple) -> None:  # type: ignore[type-arg]
    name, width, height, glyphs, away = shot
    text, _ = asyncio.run(take(width, height, glyphs, away))
    rows = text.splitlines()
    assert len(rows) == height
    assert max(map(len, rows)) <= width
    assert glyphs.unicode or text.isascii()
    assert not any(unicodedata.east_asian_width(char) in "WF" for char in text)
    assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_the_manual_has_a_picture_of_the_ward() -> None:
    assert ">bed-12<" in PICTURE.read_text(encoding="utf-8")
    assert len(raised()) == 5


def test_a_broker_that_is_none_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("host:0", "host:99999", ""):
        assert run(["ward", "--broker", wrong]) == 2
    assert run(["ward", "--broker", "host"]) == 2  # no terminal here
    errors = capsys.readouterr().err
    assert "is not a port" in errors
    assert "terminal" in errors


@pytest.mark.mqtt
def test_fifty_beds_over_a_restart_of_the_broker_show_each_alarm_once_and_none_as_silent(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    beds = [SimulatedBed(f"bed-{n:02d}", mosquitto.port, tmp_path, n) for n in range(1, 51)]
    watch = Watch(mosquitto)
    end_s = time.monotonic() + 60
    for step in range(20):
        if step == 8:
            mosquitto.stop()
        if step == 14:
            mosquitto.start()
        for number, bed in enumerate(beds):
            bed.step(raise_now=(step + number) % 5 == 0)
        watch.look()
    raised_now = {bed.name: len(bed.raised) for bed in beds}
    assert sum(raised_now.values()) == 200
    while {b: len(c) for b, c in watch.counts().items()} != raised_now:
        assert time.monotonic() < end_s, watch.counts()
        for bed in beds:
            bed.step(raise_now=False)
        watch.look()
        time.sleep(0.05)
    assert {n for c in watch.counts().values() for n in c.values()} == {1}
    assert [e for e in watch.shown if e.kind == "bed_silent"] == []
    for bed in beds:
        bed.close()
    watch.close()


@pytest.mark.mqtt
def test_a_bed_that_hangs_is_an_alarm_within_ten_seconds(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    beds = [SimulatedBed(f"bed-{n}", mosquitto.port, tmp_path, n) for n in (1, 2)]
    watch = Watch(mosquitto)

    def turn() -> list[str]:
        for bed in beds:
            bed.step(raise_now=False)
        time.sleep(0.05)
        return [e.name for e in watch.look() if e.kind == "bed_silent"]

    end_s = time.monotonic() + 20
    while not all(row.fresh for row in watch.ward.rows(time.monotonic())) or len(
        watch.ward.rows(0.0)
    ) < len(beds):
        assert turn() == []
        assert time.monotonic() < end_s
    beds[0].vanish()
    began_s = time.monotonic()
    while not (found := turn()):
        assert time.monotonic() < began_s + 10.0
    assert found == ["bed-1"]
    beds[0].back()
    for bed in beds:
        bed.close()
    watch.close()
