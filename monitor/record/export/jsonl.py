"""The event file itself, checked line by line and written anew (JSON lines, version 1).

For a file that Apexbeat wrote the result is the same, byte for byte; words that could harm a
terminal come out cleaned. `docs` and the JSON schema of the package describe the lines.
"""

from __future__ import annotations

import msgspec

from monitor.record.export.model import Record

_ENCODER = msgspec.json.Encoder()


def render(record: Record) -> str:
    """Return all lines as text."""
    return "".join(_ENCODER.encode(event).decode("utf-8") + "\n" for event in record.lines())
