"""Reports to a real broker: nothing lost, nothing twice, in order, whatever happens to it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mosquitto import Listener, Mosquitto
from waiting import until

from monitor import events as ev
from monitor.config.load import Outward as Settings
from monitor.errors import UsageError
from monitor.integrations.identity import bed_of
from monitor.integrations.messages import BedState, OpenAlarm
from monitor.integrations.mqtt import IN_FLIGHT
from monitor.integrations.publisher import Publisher

pytestmark = pytest.mark.mqtt


def settings(mosquitto: Mosquitto, **more: object) -> Settings:
    known = {"mqtt_host": "127.0.0.1", "mqtt_port": mosquitto.port, "bed": "bed 7"}
    return Settings(**(known | more))  # type: ignore[arg-type]


def alarm(number: int, state: ev.AlarmState = "active") -> ev.Alarm:
    return ev.Alarm(
        index=number * 1000, kind="tachycardia", priority="medium", state=state,
        evidence=f"number {number}",
    )  # fmt: skip


def bed_state(**more: object) -> BedState:
    known: dict[str, object] = {
        "session": "s1", "index": 2000, "wall": 1.0, "source": "phantom", "health": "healthy",
        "rate": 71.5, "quality": "good", "verdict": "normal", "p": 0.1, "windows": 15, "gaps": 0,
        "lost_s": 0.0, "behind_s": 0.0, "can_record": True,
    }  # fmt: skip
    return BedState(**(known | more))  # type: ignore[arg-type]


def once(bodies: list[bytes]) -> tuple[list[int], int]:
    """Indices of alarms as a receiver keeps them, and how many came twice."""
    last, kept, twice = 0, [], 0
    for body in bodies:
        message = json.loads(body)
        number = int(message["id"].rpartition(":")[2])
        if number <= last:
            twice += 1
            continue
        last = number
        kept.append(message["index"] // 1000)
    return kept, twice


def test_a_broker_restarted_during_a_thousand_alarms_gets_each_once_and_in_order(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    listener = Listener(mosquitto.broker, "apexbeat/+/alarm")
    outward = Publisher(settings(mosquitto), tmp_path / "bed")
    outward.start()
    for number in range(1, 1001):
        outward.event("s1", 0.0, alarm(number))
        listener.turn(0.0)
        if number == 400:
            listener.until(lambda: bool(listener.heard), "the first alarms")
            mosquitto.stop()
        if number == 700:
            mosquitto.start()
    listener.until(lambda: b"number 1000" in b"".join(listener.bodies("/alarm")[-30:]), "the last")
    kept, twice = once(listener.bodies("/alarm"))
    assert kept == list(range(1, 1001))
    # What was under way, from the bed and from the broker to the listener, under the same id.
    assert twice <= 2 * IN_FLIGHT
    outward.close(5.0)
    listener.close()


def test_after_a_broker_was_killed_the_recent_alarms_tell_what_it_forgot(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    listener = Listener(mosquitto.broker, "apexbeat/+/alarm", "apexbeat/+/recent")
    outward = Publisher(settings(mosquitto), tmp_path / "bed")
    outward.start()

    def known() -> set[int]:
        found = {json.loads(body)["index"] // 1000 for body in listener.bodies("/alarm")}
        for body in listener.bodies("/recent"):
            found |= {a["index"] // 1000 for a in json.loads(body)["alarms"]}
        return found

    for number in range(1, 101):
        outward.event("s1", 0.0, alarm(number))
        if number == 60:
            listener.until(lambda: len(known()) == 60, "the first alarms")
            mosquitto.stop(kill=True)
        if number == 100:
            mosquitto.start()
    listener.until(lambda: known() == set(range(1, 101)), "all alarms")
    outward.close(5.0)
    listener.close()


def test_alarms_raised_while_there_is_no_broker_wait_on_disk_for_the_next_start(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    listener = Listener(mosquitto.broker, "apexbeat/#")
    mosquitto.stop()
    first = Publisher(settings(mosquitto), tmp_path / "bed")
    first.start()
    for number in range(1, 51):
        first.event("s1", 0.0, alarm(number))
    first.close(1.0)
    assert "refused" in first.troubles()[0]
    mosquitto.start()
    second = Publisher(settings(mosquitto), tmp_path / "bed")
    second.start()
    second.event("s2", 0.0, alarm(51))
    listener.until(lambda: len(listener.bodies("/alarm")) == 51, "the alarms")
    assert once(listener.bodies("/alarm")) == (list(range(1, 52)), 0)
    second.close()
    listener.close()


def test_who_comes_late_finds_the_bed_its_state_and_its_last_alarms(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    outward = Publisher(settings(mosquitto), tmp_path / "bed")
    outward.start()
    for number in range(1, 61):
        outward.event("s1", 0.0, alarm(number))
    raised = OpenAlarm(kind="irregular", priority="low", state="active", evidence="", raised=5)
    outward.state(bed_state(alarms=[raised]))
    listener = Listener(mosquitto.broker, "apexbeat/#", "homeassistant/#")
    listener.until(lambda: b"number 60" in b"".join(listener.bodies("/recent")), "recent alarms")
    listener.until(lambda: bool(listener.bodies("/state")), "the state")
    listener.until(lambda: len(listener.bodies("/config")) == 5, "what Home Assistant is told")
    last = json.loads(listener.bodies("/recent")[-1])["alarms"]
    assert [a["index"] // 1000 for a in last] == list(range(11, 61))
    state = json.loads(listener.bodies("/state")[-1])
    assert (state["name"], state["rate"], state["priority"]) == ("bed 7", 71.5, "low")
    assert listener.bodies("availability") == [b"online"]
    configs = [json.loads(body) for body in listener.bodies("/config")]
    assert len({c["unique_id"] for c in configs}) == len(configs) == 5
    assert {c["state_topic"] for c in configs} == {
        f"apexbeat/{bed_of('bed 7', tmp_path / 'bed').id}/state"
    }
    outward.close()
    listener.until(lambda: listener.bodies("availability")[-1] == b"offline", "its leave")
    listener.close()


def test_a_process_that_is_killed_is_offline_by_its_last_will(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    code = (
        "import sys, pathlib, time; from monitor.integrations.publisher import Publisher;"
        "from monitor.config.load import Outward as S;"
        f"o = Publisher(S(bed='x', mqtt_host='127.0.0.1', mqtt_port={mosquitto.port}),"
        f"pathlib.Path({str(tmp_path)!r})); o.start(); time.sleep(60)"
    )
    listener = Listener(mosquitto.broker, "apexbeat/+/availability")
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    listener.until(lambda: listener.bodies("availability")[-1:] == [b"online"], "the bed")
    process.kill()
    process.wait()
    listener.until(lambda: listener.bodies("availability")[-1] == b"offline", "the will")
    listener.close()


def test_trends_go_out_sparsely_and_a_second_device_is_a_bed_of_its_own(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    listener = Listener(mosquitto.broker, "apexbeat/+/trend")
    outward = Publisher(settings(mosquitto), tmp_path / "bed")
    outward.start()
    for second in range(1, 31):
        for session in ("s1", "s2"):
            line = ev.Vitals(
                index=second * 2000, rate=70, spread=0.1, systole_ms=None, diastole_ms=None
            )
            outward.event(session, 0.0, line)
    outward.event("s1", 0.0, ev.Quality(index=70_000, value="good", reason="clean"))
    listener.until(lambda: len(listener.heard) >= 7, "trends")
    outward.close()
    listener.turn(0.1)
    topics = [topic for topic, _, _ in listener.heard]
    for slot, count in enumerate((4, 3)):
        bed = bed_of("bed 7", tmp_path / "bed", slot)
        assert topics.count(f"apexbeat/{bed.id}/trend") == count
    listener.close()


def test_tls_and_password_let_in_who_has_them_and_say_why_others_are_not(tmp_path: Path) -> None:
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, capture_output=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    words = tmp_path / "words"
    words.write_text("bed:secret\n")
    words.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(words)], check=True, capture_output=True)
    broker = Mosquitto(
        tmp_path / "m", "allow_anonymous false", f"password_file {words}",
        f"certfile {tmp_path / 'cert.pem'}", f"keyfile {tmp_path / 'key.pem'}",
    )  # fmt: skip
    broker.start()
    secret = tmp_path / "password"
    known = {"mqtt_tls": True, "mqtt_user": "bed", "mqtt_password_file": str(secret)}
    trust = {"mqtt_ca": str(tmp_path / "cert.pem")}
    try:
        for content, more, expected in (
            ("secret\n", trust, ""),
            ("wrong\n", trust, "not authorized"),
            ("secret\n", {}, "self-signed certificate"),
        ):
            secret.write_text(content)
            folder = tmp_path / f"bed{len(content)}{len(more)}"
            outward = Publisher(settings(broker, **(known | more)), folder)
            outward.start()
            mqtt = outward._mqtt
            assert mqtt is not None
            if expected:
                said: list[str] = []
                until(lambda said=said, out=outward: bool(said.extend(out.troubles()) or said), "")
                assert expected in said[0]
            else:
                until(lambda mqtt=mqtt: mqtt.connected, "the broker")
            outward.close(1.0)
    finally:
        broker.stop()


def test_a_password_file_that_cannot_be_read_is_said_before_anything_begins(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match=r"password file .*: No such file"):
        Publisher(Settings(mqtt_host="h", mqtt_password_file=str(tmp_path / "none")), tmp_path)
