"""Tables, and the stored results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Markdown table; a bar inside a cell is escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |")
    return "\n".join(lines) + "\n"


def read(name: str) -> Any:
    """A file of docs/results, None where it is not there."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def stored(name: str) -> Callable[[Callable[[Any], str]], Callable[[], str]]:
    """Give a block its file of docs/results; without it the block says so."""

    def give(make: Callable[[Any], str]) -> Callable[[], str]:
        def block() -> str:
            found = read(name)
            return (
                "Not measured in this state of the repository.\n" if found is None else make(found)
            )

        return block

    return give
