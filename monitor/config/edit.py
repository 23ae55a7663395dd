"""Writes settings into the configuration file, and leaves the rest of it as a person wrote it.

cli/config.py --save     what --set said
cli/live.py --remember   the device that was found, and what --set said
core                     the request ``remember`` of a screen
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError
from tomlkit.items import Table

from monitor.config.load import as_meant, build, names
from monitor.errors import UsageError
from monitor.regular_file import check_regular, read_regular
from monitor.text import decoded


def remember(values: Mapping[str, Any], path: Path) -> None:
    """Set keys in the file ``path``; comments and other keys stay. The file is made if need be.

    Parameters
    ----------
    values
        By key, as ``section.name``.

    Raises
    ------
    UsageError
        If a key is unknown, the whole would not be valid settings, or the file cannot be read or
        written; then it stays as it was.
    """
    for key in values:
        if key not in names():
            raise UsageError(f"setting {key}: unknown", "see 'apexbeat config' for all")
    try:
        text = decoded(read_regular(path)) if path.exists() else ""
        document = _document(text)
    except OSError as error:
        raise UsageError(f"settings {path}: {error.strerror or error}") from None
    except ParseError as error:
        raise UsageError(f"settings {path}: not TOML, {error}") from None
    except ValueError:
        raise UsageError(f"settings {path}: not UTF-8 text") from None
    for key, value in values.items():
        section, _, name = key.partition(".")
        table = document.setdefault(section, tomlkit.table())
        if not isinstance(table, Table):
            raise UsageError(f"setting {section}: must be a table")
        table[name] = value
    build(document.unwrap())
    try:
        _replace(path, tomlkit.dumps(document).encode())
    except OSError as error:
        raise UsageError(f"settings {path}: {error.strerror or error}") from None


def _replace(path: Path, data: bytes) -> None:
    path = path.resolve()  # a link to a file elsewhere stays one
    if path.exists():
        check_regular(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _document(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except ParseError:
        meant = as_meant(text)
        if meant == text:
            raise
        return tomlkit.parse(meant)
