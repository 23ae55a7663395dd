"""The cards of the models that a session was judged with, where they are shipped ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models import shipped
from monitor.record.export.model import Record
from monitor.text import clean

Card = Mapping[str, object]

FILES = {"student": shipped.STUDENT, "cycles": shipped.CYCLES}


def shipped_cards(record: Record) -> dict[str, Card]:
    """Return model name → card, for the models whose sha256 is that of a shipped file."""
    pins = shipped.pins()
    cards: dict[str, Card] = {}
    for name, sha256 in record.session.models.items():
        file = FILES.get(name)
        if file is not None and pins.get(file) == sha256:
            cards[name] = flat(shipped.card(file))
    return cards


def flat(card: Mapping[str, Any], prefix: str = "") -> Card:
    """Lay out a nested card as dotted names and plain values."""
    rows: dict[str, object] = {}
    for key, value in card.items():
        name = f"{prefix}{clean(str(key))}"
        if isinstance(value, dict):
            rows.update(flat(value, f"{name}."))
        elif isinstance(value, list):
            rows[name] = f"{len(value)} values" if len(value) > 12 else ", ".join(map(str, value))
        else:
            rows[name] = clean(value) if isinstance(value, str) else value
    return rows
