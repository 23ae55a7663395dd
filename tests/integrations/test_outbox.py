"""The queue on disk: what is dropped first, numbers, damage, a dead core's rest; names."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
import tempfile
from pathlib import Path

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import free_port

from monitor import events as ev
from monitor.config.load import Outward as Settings
from monitor.integrations.discovery import configs
from monitor.integrations.identity import Bed, bed_of
from monitor.integrations.outbox import Outbox, OutboxMessage
from monitor.integrations.publisher import Publisher


def letter(number: int, alarm: bool) -> OutboxMessage:
    return OutboxMessage("t/alarm" if alarm else "t/trend", b'{"n":%d}' % number, alarm)


def test_a_full_queue_on_disk_drops_trends_before_alarms_and_the_oldest_first(
    tmp_path: Path,
) -> None:
    box = Outbox(tmp_path, 10)
    box.put([letter(n, alarm=n % 2 == 0) for n in range(12)])
    assert [w.letter.body for w in box.after(0, 99)] == [
        b'{"n":%d}' % n for n in (0, 2, 4, 5, 6, 7, 8, 9, 10, 11)
    ]
    box.put([letter(n, alarm=True) for n in range(20, 30)])
    kept = box.after(0, 99)
    assert len(kept) == 10
    assert all(w.letter.alarm for w in kept)
    assert (box.dropped_trends, box.dropped_alarms) == (6, 6)
    box.close()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=12))
@hypothesis.settings(deadline=None, max_examples=20)
def test_numbers_rise_for_ever_and_nothing_sent_waits_again(steps: list[tuple[bool, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        box, put, sent = Outbox(Path(folder), 1000), 0, 0
        origin, last = box.origin, 0
        for reopen, count in steps:
            box.put([letter(put + n, alarm=n % 2 == 0) for n in range(count)])
            put += count
            waiting = box.after(0, 1000)
            assert len(waiting) == box.waiting() == put - sent
            if waiting:
                assert waiting[-1].number >= last
                last = waiting[-1].number
            done = [w.number for w in waiting[: count // 2]]
            box.sent(done)
            sent += len(done)
            if reopen:
                box.close()
                box = Outbox(Path(folder), 1000)
        assert box.origin == origin
        bodies = [w.letter.body for w in box.after(0, 1000)]
        assert bodies == [letter(n, True).body for n in range(sent, put)]
        box.close()


def test_the_queue_is_private_and_a_damaged_one_is_kept_and_replaced(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "new", 10)
    box.put([letter(1, True)])
    first = box.origin
    box.close()
    path = tmp_path / "new" / "outbox.sqlite"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.write_bytes(os.urandom(5000))
    box = Outbox(tmp_path / "new", 10)
    assert box.damaged is not None
    assert box.damaged.stat().st_size == 5000
    assert box.origin != first
    assert box.waiting() == 0
    box.close()


def test_a_queue_whose_disk_refuses_keeps_nothing_half(tmp_path: Path) -> None:
    box = Outbox(tmp_path, 10)
    with pytest.raises(sqlite3.Error):
        box.put([letter(1, True), OutboxMessage(None, b"", True)])  # type: ignore[arg-type]
    assert box.waiting() == 0
    box.close()


def test_what_a_dead_core_had_recorded_but_not_sent_is_sent_by_the_next_once(
    tmp_path: Path,
) -> None:
    settings = Settings(mqtt_host="127.0.0.1", mqtt_port=free_port(), bed="b")
    history = [
        ev.Alarm(index=n, kind="gaps", priority="low", state="active", evidence="")
        for n in range(1000, 9000, 1000)
    ]
    first = Publisher(settings, tmp_path)
    first.start()
    for alarm in history[:5]:
        first.event("s", 0.0, alarm)
    first.close(0.5)
    second = Publisher(settings, tmp_path)
    second.catch_up("s", 0.0, history)
    second.start()
    second.close(0.5)
    box = Outbox(tmp_path, 100)
    sent = [json.loads(w.letter.body)["index"] for w in box.after(0, 99)]
    assert sent == [alarm.index for alarm in history]
    box.close()


@given(st.text(max_size=200), st.text(max_size=200), st.integers(0, 3))
def test_the_id_of_a_bed_is_a_harmless_part_of_a_topic_and_never_anothers(
    text: str, other: str, slot: int
) -> None:
    store = Path("/store")
    bed = bed_of(text, store, slot, "machine")
    assert re.fullmatch(r"[a-z0-9-]{12,35}", bed.id)
    assert 0 < len(bed.name) <= 80
    assert bed == bed_of(text, store, slot, "machine")
    others = {
        bed_of(text, store, slot + 1, "machine").id,
        bed_of(text, Path("/other"), slot, "machine").id,
        bed_of(text, store, slot, "another machine").id,
    }
    if other.strip() != text.strip() and other.strip() and text.strip():
        others.add(bed_of(other, store, slot, "machine").id)
    assert bed.id not in others
    assert len(others) >= 3


def test_what_home_assistant_is_told_has_one_device_and_vanishes_when_silent() -> None:
    bodies = [
        json.loads(body)
        for _, body in configs("homeassistant", "apexbeat", Bed("b-2", "床 2"), "b")
    ]
    assert {tuple(b["device"]["identifiers"]) for b in bodies} == {("apexbeat_b-2",)}
    assert {b["availability_topic"] for b in bodies} == {"apexbeat/b/availability"}
    assert all(b["expire_after"] == 15 for b in bodies)
    assert {b["device"]["name"] for b in bodies} == {"Apexbeat 床 2"}
    assert not any("object_id" in b for b in bodies)
    for body in bodies:
        assert re.fullmatch(r"(binary_)?sensor\.apexbeat_b_2_[a-z]+", body["default_entity_id"])
