"""A table of labels that a user brings: which recording is abnormal, and whose it is.

One line a recording, with a header. The columns are found by their usual names (`FILE`, `LABEL`,
`PERSON`); a recording is matched by its path, as far as the table gives it, with or without suffix.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from monitor.errors import UsageError
from monitor.text import harmless

FILE = ("file", "path", "name", "filename", "recording", "record", "audio", "wav")
LABEL = ("label", "class", "abnormal", "diagnosis", "target", "murmur", "outcome")
PERSON = ("person", "patient", "subject", "group", "patient_id", "subject_id", "id")
NORMAL = frozenset(
    ["normal", "n", "0", "no", "none", "absent", "healthy", "negative", "false", "-1"]
)
ABNORMAL = frozenset(
    ["abnormal", "1", "yes", "present", "murmur", "positive", "true", "pathological", "disease"]
)
UNKNOWN = frozenset(["", "unknown", "na", "n/a", "nan", "?", "unsure"])
FOLDER = "folder"
"""As ``--person``: the folder of a recording is the person."""
SHOWN = 3
"""Names given of many that are wrong alike."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One line: whether the recording is abnormal (None: unknown), and whose it is."""

    abnormal: bool | None
    person: str | None
    line: int


class Labels:
    """A table that was read; see `read_labels`.

    Attributes
    ----------
    columns
        Their names.
    has_person
        Whether one of them names the person.
    """

    def __init__(self, path: Path, columns: Sequence[str], has_person: bool) -> None:
        self.path, self.columns, self.has_person = path, columns, has_person
        self._rows: dict[str, list[tuple[tuple[str, ...], Labelled]]] = {}
        self._used: set[int] = set()
        self._lines: set[int] = set()

    def add(self, file: str, row: Labelled) -> None:
        """Take a line of the table."""
        parts = PurePosixPath(file.strip().replace("\\", "/")).parts
        self._rows.setdefault(_stem(parts[-1]), []).append((parts, row))
        self._lines.add(row.line)

    def of(self, path: Path) -> Labelled | None:
        """The line of a recording; None where the table has none.

        Raises
        ------
        UsageError
            If several lines could be meant.
        """
        parts = path.absolute().as_posix().split("/")
        fit = [
            (len(given), given[-1] == parts[-1], row)
            for given, row in self._rows.get(_stem(parts[-1]), [])
            if _fits(given, parts)
        ]
        if not fit:
            return None
        best = max(one[:2] for one in fit)
        rows = [row for *rank, row in fit if tuple(rank) == best]
        if len({(row.abnormal, row.person) for row in rows}) > 1:
            lines = " and ".join(str(row.line) for row in rows[:2])
            raise UsageError(
                f"{self.path}: lines {lines} both name {path.name}, and say different things",
                "give the folders of the files too",
            )
        self._used.update(row.line for row in rows)
        return rows[0]

    @property
    def unused(self) -> list[int]:
        """Lines that no recording asked for so far."""
        return sorted(self._lines - self._used)


def read_labels(path: Path, normal: Sequence[str] = (), person: str | None = None) -> Labels:
    """Read a table of labels.

    Parameters
    ----------
    path
        CSV in UTF-8, with commas, semicolons or tabs between the cells, and a header.
    normal
        Words in the label column that mean normal, every other one abnormal; by default the usual
        ones of both, and any other word is refused.
    person
        Name of the column that names the person; one of `PERSON` where there is none of this name.

    Raises
    ------
    UsageError
        If the table cannot be read, lacks a column, or has a label that is not understood.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = (error.strerror or "").lower() if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"{path}: cannot be read ({why})", "name a CSV of labels") from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = csv.DictReader(text.splitlines(), delimiter=separator, skipinitialspace=True)
    head = [name or "" for name in rows.fieldnames or ()]
    file_column, label_column = (_column(path, head, names) for names in (FILE, LABEL))
    person_column = person if person in head else _first(head, PERSON)
    labels = Labels(path, head, person_column is not None)
    wrong: list[str] = []
    for number, row in enumerate(rows, start=2):
        file = (row[file_column] or "").strip()
        if not file:
            continue
        word = (row[label_column] or "").strip()
        try:
            abnormal = _meaning(word, normal)
        except ValueError:
            wrong.append(f"{word!r} in line {number}")
            continue
        who = (row[person_column] or "").strip() if person_column is not None else ""
        labels.add(file, Labelled(abnormal, who or None, number))
    if wrong:
        shown = ", ".join(wrong[:SHOWN]) + (
            f" and {len(wrong) - SHOWN} more" * (len(wrong) > SHOWN)
        )
        raise UsageError(
            f"{path}: {harmless(shown, 200)}: neither normal nor abnormal",
            "write normal, abnormal or unknown, or name what is normal with --normal WORD",
        )
    return labels


def person_of(path: Path, pattern: re.Pattern[str] | None) -> str | None:
    """Whose a recording is by its path: what the pattern (its first group) finds, or the folder.

    Parameters
    ----------
    pattern
        None takes the name of the folder.
    """
    if pattern is None:
        return path.absolute().parent.name
    found = pattern.search(path.as_posix())
    return None if found is None else found.group(1 if pattern.groups else 0)


def by_path(person: str | None, labels: Labels | None) -> Callable[[Path], str | None] | None:
    """How the path of a recording names its person; None where a column does, or nothing.

    Parameters
    ----------
    person
        A column of ``labels``, a pattern, or `FOLDER`; None where nobody asked for persons.

    Raises
    ------
    UsageError
        If it is no pattern.
    """
    if person is None or (labels is not None and person in labels.columns):
        return None
    pattern = person_pattern(person)
    return lambda path: person_of(path, pattern)


def person_pattern(text: str) -> re.Pattern[str] | None:
    """Read what names a person: `FOLDER`, or a regular expression.

    Raises
    ------
    UsageError
        If it is none.
    """
    if text == FOLDER:
        return None
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(
            f"--person {text}: no regular expression ({error})",
            r"such as '(\d+)_', or 'folder', or a column of the labels",
        ) from None


def _column(path: Path, head: Sequence[str], names: tuple[str, ...]) -> str:
    found = _first(head, names)
    if found is None:
        shown = ", ".join(head) or "nothing"
        raise UsageError(
            f"{path}: no column {' or '.join(names[:3])}",
            f"its first line must name the columns; it has {harmless(shown, 120)}",
        )
    return found


def _first(head: Iterable[str], names: tuple[str, ...]) -> str | None:
    by_name = {name.strip().lower(): name for name in head}
    return next((by_name[name] for name in names if name in by_name), None)


def _meaning(word: str, normal: Sequence[str]) -> bool | None:
    lower = word.lower()
    if lower in UNKNOWN:
        return None
    if normal:
        return lower not in {one.lower() for one in normal}
    if lower not in NORMAL | ABNORMAL:
        raise ValueError(word)
    return lower in ABNORMAL


SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
"""Of a sound file; a stem may hold points of its own."""


def _stem(name: str) -> str:
    return SUFFIX.sub("", name)


def _fits(given: tuple[str, ...], parts: Sequence[str]) -> bool:
    """Whether a path of the table is the end of that of a recording; one suffix may be missing."""
    if len(given) > len(parts):
        return False
    mine = parts[len(parts) - len(given) :]
    named = given[-1] in (mine[-1], _stem(mine[-1])) or _stem(given[-1]) == _stem(mine[-1])
    return named and list(given[:-1]) == list(mine[:-1])
