"""The event file, version 1: JSON lines, written as ``.part`` and renamed when it is whole.

``event.schema.json`` beside this module is its JSON schema; ``monitor.events`` its types.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

import msgspec

from monitor.errors import InputError, RecordError
from monitor.events import Event
from monitor.regular_file import check_regular

SUFFIX = ".jsonl"

_ENCODER = msgspec.json.Encoder()


def encode(event: Event) -> bytes:
    """Encode an event as one line of JSON, with the line break."""
    return _ENCODER.encode(event) + b"\n"


@cache
def _decoder() -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(Event)


def schema() -> dict[str, Any]:
    """Return the JSON schema of one line."""
    text = resources.files("monitor.record").joinpath("event.schema.json").read_bytes()
    loaded: dict[str, Any] = msgspec.json.decode(text)
    return loaded


def read(path: Path) -> Iterator[Event]:
    """Yield the events of a file.

    Raises
    ------
    InputError
        If a line is not an event; the message names it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from monitor.events import Mark
    >>> with TemporaryDirectory() as folder:
    ...     with EventFile(Path(folder) / "short.jsonl") as file:
    ...         file.write([Mark(index=2000, note="cough")])
    ...     [event.note for event in read(file.path)]
    ['cough']
    """
    check_regular(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield _decoder().decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise InputError(f"{path}, line {number}: {error}") from None


def prepare(folder: Path, stems: Iterable[str], overwrite: bool) -> None:
    """Make the folder, and see that nothing stands in the way, before the first sound is read.

    Raises
    ------
    RecordError
        If the folder cannot be made or written, or a file exists and ``overwrite`` is off.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordError(f"{folder}: {(error.strerror or str(error)).lower()}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RecordError(f"{folder}: not writable")
    if overwrite:
        return
    there = [path for stem in stems if (path := folder / f"{stem}{SUFFIX}").exists()]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise RecordError(f"{there[0]}{more}: exists already", "use --overwrite or another folder")


class EventFile:
    """Writes one event file; under its own name only when it is complete.

    Parameters
    ----------
    overwrite
        Whether an existing one may be replaced.

    Raises
    ------
    RecordError
        If it exists already, or cannot be written.
    """

    def __init__(self, path: Path, overwrite: bool = False) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self._overwrite = overwrite
        self._refuse_existing()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.part.open("wb")
        except OSError as error:
            raise self._failed(error) from None

    def write(self, events: Iterable[Event]) -> None:
        """Append lines.

        Raises
        ------
        RecordError
            If the disk refuses them.
        """
        try:
            self._file.write(_ENCODER.encode_lines(events))
        except OSError as error:
            raise self._failed(error) from None

    def commit(self) -> None:
        """Close it and give it its name.

        Raises
        ------
        RecordError
            If that cannot be done; nothing half-written is left then.
        """
        try:
            self._file.close()
            self._refuse_existing()
            self.part.replace(self.path)
        except OSError as error:
            self.abort()
            raise self._failed(error) from None
        except RecordError:
            self.abort()
            raise

    def abort(self) -> None:
        """Leave nothing behind."""
        try:
            self._file.close()
        except OSError:
            # A full disk refuses the last buffer; the file goes anyway, and nothing is lost.
            self.part.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()

    def _refuse_existing(self) -> None:
        if self.path.exists() and not self._overwrite:
            raise RecordError(f"{self.path}: exists already", "use --overwrite or another folder")

    def _failed(self, error: OSError) -> RecordError:
        return RecordError(f"{self.path}: {(error.strerror or str(error)).lower()}")
