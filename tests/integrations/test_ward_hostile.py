"""Beds of hostile names on a real broker, and messages of every kind of wrong."""

from __future__ import annotations

import json
import random
import time
import unicodedata
from pathlib import Path

import msgspec
import pytest
from clocks import HeldClock
from mosquitto import Mosquitto
from simulator import SimulatedBed, Watch
from ward_scene import WALL, HeldEar, states

from monitor.integrations.beds import BEDS, SILENT_S, Ward
from monitor.integrations.listen import ReceivedMessage
from monitor.integrations.messages import AlarmMessage, Recent
from monitor.tui.ward import lines
from monitor.tui.ward.app import WardApp
from monitor.tui.widgets.glyphs import ASCII, UNICODE
from monitor.tui.widgets.panel import width_of

NAMES = (
    "病床一", "病床二", "Кровать 3", "床3", "سرير ٤", "เตียง 5", "bed-1", "bed_1", "BED 1", "bed 1",
    "", "   ", "/", "+", "#", "a/b", "../../etc", "$SYS/broker", "\x1b[2J\x07bed", "bed\u202e1",
    "x" * 64 + "1", "x" * 64 + "2", "x" * 500, "🫀" * 40, "é" * 3, "e\u0301" * 3, "<script>",
    "a\nb", "a\tb", "null", "{}", "\ud800", "0", "-", "_", "apexbeat", "state", "recent",
    "%s%n", "bed#ab12",
)  # fmt: skip


def turned_until(beds: list[SimulatedBed], watch: Watch, count: int) -> list[object]:
    """Rows of a ward that has heard all of them."""
    end_s = time.monotonic() + 60
    while True:
        for bed in beds:
            bed.step(raise_now=False)
        watch.look()
        rows = watch.ward.rows(time.monotonic())
        if len(rows) >= count and all(row.fresh for row in rows):
            return list(rows)
        assert time.monotonic() < end_s, [row.name for row in rows]
        time.sleep(0.05)


@pytest.mark.mqtt
@pytest.mark.parametrize(
    "wanted", [("病床一", "病床二"), ("bed 3", "bed 3")], ids=["scripts", "one name on one host"]
)
def test_two_beds_are_two_on_the_ward_and_only_the_one_in_alarm_is_in_alarm(
    mosquitto: Mosquitto, tmp_path: Path, wanted: tuple[str, str]
) -> None:
    beds = [SimulatedBed(name, mosquitto.port, tmp_path, n) for n, name in enumerate(wanted)]
    watch = Watch(mosquitto)
    turned_until(beds, watch, 2)
    beds[1].step(raise_now=True)
    end_s = time.monotonic() + 30
    while not any(row.alarm for row in watch.ward.rows(0.0)):
        assert time.monotonic() < end_s
        watch.look()
        for bed in beds:
            bed.step(raise_now=False)
        time.sleep(0.4)
    rows = watch.ward.rows(time.monotonic())
    assert [row.alarm is not None for row in rows] == [True, False]
    assert rows[0].name == wanted[1]
    for glyphs in (UNICODE, ASCII):
        assert len(set(lines.names(rows, 20, glyphs).values())) == 2
    assert not any(row.clash for row in rows)
    for bed in beds:
        bed.close()
    watch.close()


@pytest.mark.mqtt
def test_fifty_beds_of_hostile_names_are_fifty_and_all_in_sight(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    wanted = [NAMES[n % len(NAMES)] for n in range(50)]
    beds = [SimulatedBed(name, mosquitto.port, tmp_path, n) for n, name in enumerate(wanted)]
    watch = Watch(mosquitto)
    rows = turned_until(beds, watch, 50)
    assert len(rows) == 50
    assert watch.ward.strange == 0
    assert [e for e in watch.shown if e.kind != "bed_back"] == []
    for width, height in ((80, 24), (120, 40), (160, 50)):
        for glyphs in (UNICODE, ASCII):
            layout = lines.plan(50, width, height)
            assert layout.room >= 50
            shown = lines.beds(rows, width - 2, layout.rows, 0, glyphs)  # type: ignore[arg-type]
            assert not any("further beds" in "".join(t for t, _ in line) for line in shown)
            assert all(width_of(line) <= width - 2 for line in shown)
            called = lines.names(rows, 10, glyphs).values()  # type: ignore[arg-type]
            assert len(set(called)) == 50
            assert not any(unicodedata.category(c) in ("Cc", "Cf") for n in called for c in n)
    for bed in beds:
        bed.close()
    watch.close()


@pytest.mark.mqtt
def test_two_monitors_with_one_id_are_an_alarm_on_the_ward_and_said_at_both(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monitor.integrations import publisher
    from monitor.integrations.identity import bed_of

    monkeypatch.setattr(
        publisher, "bed_of", lambda name, store, slot: bed_of(name, Path("/x"), slot, "copied")
    )
    beds = [SimulatedBed("bed", mosquitto.port, tmp_path, n) for n in (1, 2)]
    watch = Watch(mosquitto)
    end_s = time.monotonic() + 60
    while not any(e.kind == "bed_clash" for e in watch.shown):
        assert time.monotonic() < end_s
        for bed in beds:
            bed.step(raise_now=False)
        watch.look()
        time.sleep(0.05)
    [row] = watch.ward.rows(time.monotonic())
    assert (row.clash, row.priority, row.answered) == (True, "high", False)
    for bed in beds:
        assert bed.outward is not None
        assert any("another monitor reports as this bed" in line for line in bed.outward.troubles())
        bed.close()
    watch.close()


def test_a_monitor_that_was_restarted_is_no_clash() -> None:
    ward = Ward()
    ward.link(True, 0.0)
    state = json.loads(states(range(1, 2))[0].body)
    for second, instance in enumerate(("a", "a", "b", "b", "c", "c")):
        body = json.dumps(state | {"instance": instance}).encode()
        ward.receive("apexbeat/b/state", body, False, float(second))
        assert ward.tick(float(second), 0.0) == []
    ward.receive("apexbeat/b/state", json.dumps(state | {"instance": "b"}).encode(), False, 6.0)
    assert [e.kind for e in ward.tick(6.0, 0.0)] == ["bed_clash"]


def test_a_bed_that_never_spoke_is_not_silent() -> None:
    ward = Ward()
    ward.link(True, 0.0)
    ward.receive("apexbeat/x/availability", b"online", False, 0.0)
    ward.receive("apexbeat/y/availability", b"offline", True, 0.0)
    assert ward.tick(10 * SILENT_S, 0.0) == []
    assert {row.priority for row in ward.rows(10 * SILENT_S)} == {"none"}


def test_the_log_is_in_the_order_of_reception_whatever_the_beds_clocks_say() -> None:
    ward = Ward()
    for number, wall in enumerate((9e9, 1.0, 5e8)):
        message = AlarmMessage(
            id=f"o:{number}", bed="b", session="s", index=1, wall=wall, kind="irregular",
            priority="low", state="active", evidence="",
        )  # fmt: skip
        body = msgspec.json.encode(message)
        ward.receive("apexbeat/b/alarm", body, False, 0.0, 100.0 + number)
    assert [(e.id, e.wall) for e in ward.log] == [("o:2", 102.0), ("o:1", 101.0), ("o:0", 100.0)]


def test_more_beds_than_can_be_taken_are_said_and_junk_makes_room_for_beds() -> None:
    ward = Ward()
    for number in range(BEDS):
        ward.receive(f"apexbeat/junk{number}/state", b"{}", False, 0.0)
    for heard in states(range(1, 51)):
        ward.receive(heard.topic, heard.body, False, 0.0)
    assert sum(row.state is not None for row in ward.rows(0.0)) == 50
    body = states(range(1, 2))[0].body
    for number in range(BEDS + 7):
        ward.receive(f"apexbeat/real{number}/state", body, False, 0.0)
    assert len(ward.turned_away) == 57


def mutated(chance: random.Random, body: bytes) -> bytes:
    """A message that is wrong in one of many ways."""
    way = chance.randrange(9)
    if way == 0:
        changed = bytearray(body)
        for _ in range(chance.randrange(1, 8)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)
    if way == 1:
        return body[: chance.randrange(len(body))]
    if way == 2:
        return b"[" * chance.choice((10, 1000, 100_000)) + body
    if way == 3:
        deep = chance.choice((10, 1000, 50_000))
        return body[:-1] + b',"more":' + b'{"a":' * deep + b"1" + b"}" * deep + b"}"
    if way == 4:
        return body[:-1] + b',"name":"' + b"x" * chance.choice((121, 10_000, 300_000)) + b'"}'
    content = json.loads(body)
    target = content
    if way == 5 and content.get("alarms"):
        target = chance.choice(content["alarms"])
    key = chance.choice(list(target))
    if way == 6:
        del target[key]
    else:
        target[key] = chance.choice(
            (None, -1, 1e308, 10**400, "", "\x1b[2J", "\u202e", [], {}, True, 1e300, -1e300, 2**63,
             [json.loads(body)] * 3, "9" * 5000, ["x"] * 5000)
        )  # fmt: skip
    return json.dumps(content).replace("1e+308", chance.choice(("1e308", "1e999", "NaN"))).encode()


async def test_ten_thousand_mutated_messages_end_nothing_and_the_good_bed_stays() -> None:
    chance = random.Random(11)
    bodies = [heard.body for heard in states(range(1, 51))]
    alarms = [
        AlarmMessage(
            id=f"o:{n}", bed="b", name="床", session="s", index=n, wall=1e9, kind="heart_lost",
            priority="high", state="active", evidence="no beat",
        )
        for n in range(50)
    ]  # fmt: skip
    kinds = {
        "state": bodies,
        "alarm": [msgspec.json.encode(one) for one in alarms],
        "recent": [msgspec.json.encode(Recent(alarms=alarms))],
    }
    ear, clock = HeldEar(), HeldClock(wall_step=WALL - 1000)
    app = WardApp(ear, "broker", clock=clock, frames_per_s=0)
    async with app.run_test(size=(120, 40)) as pilot:
        ear.waiting = [ReceivedMessage("", b"")]
        for number in range(10_000):
            what = chance.choice(list(kinds))
            body = mutated(chance, chance.choice(kinds[what]))
            bed = chance.choice(("good", f"b{number % 60}", "\x1b[2J", "x" * 200, "床"))
            ear.waiting.append(
                ReceivedMessage(f"apexbeat/{bed}/{what}", body, chance.random() < 0.3)
            )
            if number % 100 == 0:
                clock.now += 0.5
                ear.waiting.append(ReceivedMessage("apexbeat/good/state", bodies[0], False))
                app.frame()
        await pilot.pause()
        ear.waiting.append(ReceivedMessage("apexbeat/good/state", bodies[0], False))
        app.frame()
        [good] = [r for r in app.ward.rows(clock.now) if r.bed == "good"]
        assert good.fresh
        assert app.ward.strange > 5000
        shown = "\n".join(s.text for s in app.screen._compositor.render_strips())
        assert "\x1b" not in shown
