"""What a screen on a store may start beside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.config.load import Settings
    from monitor.playing import Band
    from monitor.tui.helpers import Examine, HearSession, Helpers


def helpers(store: Path, settings: Settings, address: Path) -> Helpers:
    """Clips of the store and the sound of the core, played on the output that alarms sound on."""
    from monitor.tui.helpers import Helpers

    def clip(session: str, index: int, kind: str) -> list[str] | str:
        from monitor.record.clips import clip_path

        path = clip_path(store, session, index, kind)
        if path.is_file():
            return [
                sys.executable,
                "-m",
                "monitor.sound.play_clip",
                str(path),
                settings.sound.output,
            ]
        if not settings.record.clips:
            return "no clips are kept (record.clips is off)"
        return "no clip of this alarm: it is written 20 s after it, and deleted with age"

    already = settings.sound.listen
    if already != "off":
        words = f"the monitor plays it already (sound.listen is {already})"
        return Helpers(clip, lambda session, band: words, examination(store, settings))
    return Helpers(clip, hearing(address, settings), examination(store, settings))


def examination(store: Path, settings: Settings) -> Examine:
    """An examination that hears and judges as this monitor does, kept beside its store."""
    from monitor.config.load import Settings, names

    def examine(source: str, device: str, age: str) -> list[str]:
        words = [sys.executable, "-m", "monitor.cli.main", "exam", "--profile", age]
        words += ["--phantom" if source == "phantom" else "--device", device]
        for key in names():
            section, _, name = key.partition(".")
            mine, usual = (getattr(getattr(one, section), name) for one in (settings, Settings()))
            if section in ("analysis", "verdict", "capture") and mine != usual:
                words += ["--set", f"{key}={str(mine).lower() if isinstance(mine, bool) else mine}"]
        return [*words, "--set", f"record.folder={store}"]

    return examine


def hearing(address: Path, settings: Settings) -> HearSession:
    """The sound of a session at ``address``, played on the output that alarms sound on."""
    from monitor.sound.listening import Hearing

    def hear(session: str, band: Band) -> list[str] | str:
        sound = settings.sound
        return Hearing(
            address=str(address),
            session=session,
            band=band,
            output=sound.output,
            gain_db=sound.listen_gain_db,
        ).command

    return hear
