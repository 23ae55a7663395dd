"""5 000 status messages at once, over a real socket: the last one is shown, and every alarm."""

from __future__ import annotations

from pathlib import Path

import msgspec
from hands import bench
from scenes import scene

from monitor import events as ev


async def test_after_a_burst_the_last_status_and_every_alarm_stand_on_the_screen(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path, scene("normal")) as it:
        played = it.core.scenes[0]
        played.past = []
        plain = played.now(it.core.at_s)
        for number in range(1, 5001):
            index = plain.index + number * 1000
            status = msgspec.structs.replace(plain, index=index, rate=60.0 + number / 100)
            it.core.say(status)
            if number % 250 == 0:
                it.core.event(
                    played,
                    ev.Alarm(index=index, kind=f"burst_{number}", priority="low",
                             state="active", evidence=""),
                )  # fmt: skip
        session = it.app.state.shown()
        assert session is not None
        await it.until(lambda: session.status.index == plain.index + 5_000_000)  # type: ignore[union-attr]
        assert session.status is not None
        assert session.status.rate == 110.0
        await it.press("l", "/", *"burst", "enter")
        await it.seen('"burst", 20')
