"""Rows of a long run: what was asked for, what was found; written as JSON and Markdown.

`make bench`, `make fuzz` and `make soak` end with `Outcome.line`: what held and what did not.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "docs" / "results"


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes
    ----------
    ratio
        To the reference of the same run, None where there is none.
    target
        In words, empty where there is none.
    held
        None where nothing was promised, or nothing measured.
    """

    what: str
    figure: str
    ratio: float | None = None
    target: str = ""
    held: bool | None = None


@dataclass
class Outcome:
    """All rows of one run."""

    name: str
    command: str
    conditions: dict[str, str | int | float]
    rows: dict[str, list[Row]] = field(default_factory=dict)

    def add(
        self,
        table: str,
        what: str,
        figure: str,
        ratio: float | None = None,
        target: str = "",
        held: bool | None = None,
    ) -> None:
        """Append a row to a table."""
        ratio = None if ratio is None else float(f"{ratio:.4g}")
        self.rows.setdefault(table, []).append(Row(what, figure, ratio, target, held))

    @property
    def missed(self) -> list[Row]:
        """Rows whose promise was not kept."""
        return [row for rows in self.rows.values() for row in rows if row.held is False]

    def line(self) -> str:
        """One line: what held and what did not."""
        asked = [row for rows in self.rows.values() for row in rows if row.held is not None]
        missed = self.missed
        words = f"{self.name}: {len(asked) - len(missed)} of {len(asked)} held"
        if not missed:
            return words
        return words + "; not held: " + "; ".join(f"{row.what} ({row.figure})" for row in missed)

    def write(self, folder: Path = RESULTS) -> None:
        """Write NAME.json and NAME.md."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(self) | {"line": self.line()}, indent=1, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")
        (folder / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8")

    def markdown(self) -> str:
        """The tables for people."""
        parts = [f"# {self.name.capitalize()}", "", f"`{self.command}`", ""]
        parts += [f"- {name}: {value}" for name, value in self.conditions.items()]
        for table, rows in self.rows.items():
            parts += ["", f"## {table}", ""]
            parts += ["| what | figure | × reference | target | held |", "|---|---|---|---|---|"]
            for row in rows:
                ratio = "" if row.ratio is None else f"{row.ratio:g}"
                held = {True: "yes", False: "**no**", None: ""}[row.held]
                parts.append(f"| {row.what} | {row.figure} | {ratio} | {row.target} | {held} |")
        return "\n".join([*parts, "", self.line(), ""])


def command(script: str, given: Sequence[str]) -> str:
    """The command line of a run, without the folders of this machine."""
    words = ["python", script]
    names = iter(given)
    for word in names:
        if word == "--out":
            next(names, None)
        elif word in ("--peers", "--beside"):
            next(names, None)
            words += [word, "PYTHON"]
        else:
            words.append(word)
    return shlex.join(words)


def machine() -> dict[str, str | int | float]:
    """Conditions of a run, no name of the machine among them."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "load of the machine at the start": round(load, 1),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
