"""Input devices, named so that unplugging and plugging does not change the name.

An identity is host API and name, for a sound card its name with the USB id or card id in place of
the number that the system gave it today. `choose` finds the one device that a person meant.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from monitor.errors import DeviceError, UsageError
from monitor.text import clean

CARDS = Path("/proc/asound")
_CARD = re.compile(r"\s*\(hw:(\d+),(\d+)\)\s*$")


@dataclass(frozen=True, slots=True)
class Device:
    """One input device as the system lists it now.

    Attributes
    ----------
    index
        Its number in PortAudio's list; valid until that is made anew.
    name
        For people.
    identity
        Survives unplugging.
    host
        Host API ("ALSA", "Core Audio", ...).
    rate_hz, channels
        Its own rate, and how many input channels it has at the most.
    default
        Whether the system takes it if none is named.
    """

    index: int
    name: str
    identity: str
    host: str
    rate_hz: int
    channels: int
    default: bool


def from_portaudio(
    devices: Sequence[dict[str, Any]],
    hosts: Sequence[dict[str, Any]],
    default: int,
    cards: Path = CARDS,
) -> list[Device]:
    """Input devices out of what PortAudio lists (``query_devices``, ``query_hostapis``)."""
    found = []
    for index, entry in enumerate(devices):
        if entry["max_input_channels"] < 1:
            continue
        name, host = clean(entry["name"], 120), clean(hosts[entry["hostapi"]]["name"], 40)
        found.append(
            Device(
                index=index,
                name=name,
                identity=f"{host.lower().replace(' ', '-')}:{_lasting(name, cards)}",
                host=host,
                rate_hz=round(entry["default_samplerate"]),
                channels=int(entry["max_input_channels"]),
                default=index == default,
            )
        )
    return _told_apart(found)


def choose(devices: Sequence[Device], wanted: str) -> Device:
    """The one device that ``wanted`` names: identity, name, part of a name, or regex.

    Empty takes the only one there is.

    Raises
    ------
    DeviceError
        If none or several fit; lists them.
    UsageError
        If it is no regular expression and no name either.
    """
    if not devices:
        raise DeviceError("no input device found", "plug one in, or try --phantom normal")
    if not wanted:
        if len(devices) == 1:
            return devices[0]
        raise DeviceError(f"which device? {_listed(devices)}", "name one with --device")
    for fits in _ways(wanted):
        found = [device for device in devices if fits(device)]
        if len(found) == 1:
            return found[0]
        if found:
            raise DeviceError(
                f"{clean(wanted, 80)!r} matches {len(found)} devices: {_listed(found)}",
                "name one of them in full",
            )
    raise DeviceError(
        f"no input device matches {clean(wanted, 80)!r}; found: {_listed(devices)}",
        "see 'apexbeat devices'",
    )


def _ways(wanted: str) -> list[Any]:
    lower = wanted.casefold()
    ways: list[Any] = [
        lambda d: wanted == d.identity,
        lambda d: lower in (d.name.casefold(), d.identity.casefold()),
        lambda d: lower in d.name.casefold(),
    ]
    try:
        pattern = re.compile(wanted, re.IGNORECASE)
    except re.error as error:
        words = str(error)
        ways.append(lambda _: _refuse(wanted, words))
        return ways
    ways.append(lambda d: pattern.search(d.name) or pattern.search(d.identity))
    return ways


def _refuse(wanted: str, words: str) -> bool:
    raise UsageError(
        f"--device {clean(wanted, 80)!r} is neither a name nor a valid regular expression ({words})"
    )


def _listed(devices: Sequence[Device]) -> str:
    return ", ".join(repr(device.name) for device in devices[:12]) + (
        f" and {len(devices) - 12} more" if len(devices) > 12 else ""
    )


def _lasting(name: str, cards: Path) -> str:
    match = _CARD.search(name)
    if match is None:
        return name
    card = cards / f"card{match[1]}"
    for file in ("usbid", "id"):
        try:
            mark = (card / file).read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            continue
        return f"{name[: match.start()]} [{clean(mark, 40)},{match[2]}]".replace("(", "[")
    return name


def _told_apart(devices: list[Device]) -> list[Device]:
    """Two of one identity get numbers, in the order of the system."""
    times = Counter(device.identity for device in devices)
    seen: Counter[str] = Counter()
    told = []
    for device in devices:
        seen[device.identity] += 1
        number = f" #{seen[device.identity]}" if times[device.identity] > 1 else ""
        told.append(replace(device, identity=device.identity + number))
    return told
