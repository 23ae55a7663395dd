"""Simulated beds that report like real ones, and what a ward makes of them.

    python tests/support/simulator.py [--beds 50] [--minutes 10] [--json FILE]

runs them on a mosquitto of its own, restarts it midway, silences some beds, and says how many
alarms were raised and shown, and how soon silent beds were.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from mosquitto import Mosquitto

from monitor import events as ev
from monitor.config.load import Outward as Settings
from monitor.integrations.beds import Entry, Ward
from monitor.integrations.listen import Listening
from monitor.integrations.messages import BedState, OpenAlarm
from monitor.integrations.publisher import Publisher

KINDS: tuple[tuple[str, ev.Priority, str], ...] = (
    ("tachycardia_extreme", "high", "158/min for 5 s, limit 150"),
    ("abnormal_sound", "medium", "12 of 15 windows ≥ 0.80, signal good, 78/min"),
    ("tachycardia", "medium", "128/min for 10 s, limit 120"),
    ("poor_signal", "low", "noisy: rubbing, 14 s"),
)


class SimulatedBed:
    """One bed: states as often as a core gives them, alarms when told."""

    def __init__(self, name: str, port: int, folder: Path, seed: int) -> None:
        self.name = name
        self._random = random.Random(seed)
        self._settings = Settings(bed=name, mqtt_host="127.0.0.1", mqtt_port=port)
        self._folder = folder / f"bed{seed}"
        self._open: OpenAlarm | None = None
        self._index = 0
        self.rate = self._random.uniform(58, 95)
        self.raised: list[str] = []
        self.outward: Publisher | None = None
        self.wake()

    def wake(self) -> None:
        """Begin to report."""
        self.outward = Publisher(self._settings, self._folder)
        self.outward.start()

    def vanish(self) -> None:
        """Say nothing any more, connection and all left as they are (a core that hangs)."""
        self._was, self.outward = self.outward, None

    def back(self) -> None:
        """Go on after `vanish`."""
        self.outward = self._was

    def step(self, raise_now: bool) -> None:
        """Half a second passes; perhaps an alarm is raised, or the open one clears."""
        self._index += 1000
        if self.outward is None:
            return
        wall = time.time()
        if raise_now:
            kind, priority, evidence = self._random.choice(KINDS)
            self._tell(wall, kind, priority, "active", evidence)
            self.raised.append(f"{kind}@{self._index}")
            self._open = OpenAlarm(
                kind=kind, priority=priority, state="active", evidence=evidence, raised=self._index
            )
        elif self._open is not None and self._index - self._open.raised > 10_000:
            now = self._open
            self._tell(wall, now.kind, now.priority, "inactive", "over")
            self._open = None
        self.rate += self._random.uniform(-1, 1)
        self.outward.state(self._state(wall))

    def close(self) -> None:
        """End in order."""
        if self.outward is not None:
            self.outward.close(5.0)

    def _tell(
        self, wall: float, kind: str, priority: ev.Priority, state: ev.AlarmState, evidence: str
    ) -> None:
        assert self.outward is not None
        alarm = ev.Alarm(
            index=self._index, kind=kind, priority=priority, state=state, evidence=evidence
        )
        self.outward.event("s", wall, alarm)

    def _state(self, wall: float) -> BedState:
        return BedState(
            session="s", index=self._index, wall=wall, source="phantom", health="healthy",
            rate=round(self.rate, 1), quality="good", verdict="normal", p=0.1, windows=15, gaps=0,
            lost_s=0.0, behind_s=0.0, can_record=True, alarms=[self._open] if self._open else [],
        )  # fmt: skip


class Watch:
    """A ward that is read without a screen."""

    def __init__(self, mosquitto: Mosquitto) -> None:
        self.ward = Ward()
        self.shown: list[Entry] = []
        self._ear = Listening(mosquitto.broker, "apexbeat")
        self._ear.start()

    def look(self) -> list[Entry]:
        """Take what was heard; gives what is new."""
        now, fresh = time.monotonic(), []
        for heard in self._ear.take():
            if heard.topic:
                fresh += self.ward.receive(
                    heard.topic, heard.body, heard.retained, now, time.time()
                )
            else:
                self.ward.link(not heard.body, now)
        fresh += self.ward.tick(now, time.time())
        self.shown += fresh
        return fresh

    def counts(self) -> dict[str, Counter[str]]:
        """How often each alarm of each bed was shown."""
        found: dict[str, Counter[str]] = {}
        for entry in self.shown:
            if not entry.id.startswith("ward:"):
                found.setdefault(entry.name, Counter())[entry.id] += 1
        return found

    def close(self) -> None:
        """End."""
        self._ear.close()


def main() -> int:
    """Run the simulation and say how it went."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--beds", type=int, default=50)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--json", type=Path)
    wanted = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = simulate(Path(folder), wanted.beds, wanted.minutes * 60)
    text = json.dumps(found, indent=1)
    print(text)
    if wanted.json is not None:
        wanted.json.write_text(text + "\n")
    good = found["alarms_missing"] == found["alarms_shown_twice"] == 0
    return 0 if good and found["silent_worst_s"] <= 10 else 1


def simulate(folder: Path, count: int, seconds: float) -> dict[str, object]:
    """Run beds for a while; the broker is away for ten seconds midway."""
    mosquitto = Mosquitto(folder / "broker")
    mosquitto.start()
    beds = [SimulatedBed(f"bed-{n:02d}", mosquitto.port, folder, n) for n in range(1, count + 1)]
    watch, chance = Watch(mosquitto), random.Random(7)
    silenced: dict[str, float] = {}
    delays: list[float] = []
    began = next_s = time.monotonic()
    stop_s, start_s = began + seconds / 2, began + seconds / 2 + 10
    away = False
    while (now := time.monotonic()) < began + seconds:
        for entry in watch.look():
            if entry.kind == "bed_silent" and entry.name in silenced:
                delays.append(now - silenced.pop(entry.name))
                next(b for b in beds if b.name == entry.name).back()
        if not away and start_s > now > stop_s:
            mosquitto.stop()
            away = True
        if away and now > start_s:
            mosquitto.start()
            away = False
        if now >= next_s:
            next_s += 0.5
            quiet = now > stop_s - 15 and now < start_s + 15
            if not quiet and len(silenced) < 2 and chance.random() < 0.05:
                bed = chance.choice([b for b in beds if b.outward is not None])
                bed.vanish()
                silenced[bed.name] = now
            late = now > began + seconds - 15
            for bed in beds:
                bed.step(raise_now=not late and chance.random() < 1 / 60)
        time.sleep(0.05)
    end_s = time.monotonic() + 20
    raised = {bed.name: len(bed.raised) for bed in beds}
    while time.monotonic() < end_s and sum(map(len, watch.counts().values())) < sum(
        raised.values()
    ):
        watch.look()
        time.sleep(0.05)
    counts = watch.counts()
    watch.close()
    for bed in beds:
        bed.close()
    mosquitto.stop()
    return {
        "command": f"python tests/support/simulator.py --beds {count} --minutes {seconds / 60:g}",
        "conditions": "one machine, mosquitto stopped in order for 10 s midway; two shared cores",
        "beds": count,
        "seconds": seconds,
        "alarms_raised": sum(raised.values()),
        "alarms_shown": sum(len(c) for c in counts.values()),
        "alarms_missing": sum(max(0, n - len(counts.get(b, ()))) for b, n in raised.items()),
        "alarms_shown_twice": sum(n - 1 for c in counts.values() for n in c.values()),
        "beds_silenced": len(delays),
        "silent_worst_s": round(max(delays, default=0.0), 2),
        "silent_median_s": round(sorted(delays)[len(delays) // 2], 2) if delays else None,
    }


if __name__ == "__main__":
    sys.exit(main())
