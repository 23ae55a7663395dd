"""The result of an archive: one JSON line per recording, readable at every moment.

``RESULT.run.json`` beside it says with what everything was judged; a run that goes on
(``--resume``) must judge with the same. Lines are appended as recordings are done, each with one
write; a line that a kill cut short is taken away by the next run. A finished file is sorted, so
that it is the same byte for byte however many workers there were.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from monitor.errors import RecordError, UsageError
from monitor.replay.rows import Row
from monitor.system.atomic_write import refuse_existing
from monitor.system.store_lock import try_lock

SCHEMA = 2
SYNC_LINES = 200
"""Lines after which the disk is made to keep them."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """With what everything was judged: the content of ``RESULT.run.json``."""

    schema: int
    software: str
    models: dict[str, str]
    settings: dict[str, str | int | float | bool | None]


class Line(Row, frozen=True, kw_only=True):
    """One recording of an archive; ``name`` is its path within the folder.

    Attributes
    ----------
    sha256
        Of the file, and of those that its header names, as it was judged; None if it could not be
        read.
    """

    sha256: str | None = None


_encode = msgspec.json.Encoder().encode
_row = msgspec.json.Decoder(Line).decode
_head = msgspec.json.Decoder(Head).decode


class ResultFile:
    """The file while it is written.

    Parameters
    ----------
    path
        Of it.
    head
        Of this run.
    resume
        Go on with what is there.
    overwrite
        Replace what is there.

    Raises
    ------
    UsageError
        If a file is there and neither was asked for, or it was judged with something else.
    RecordError
        If it cannot be written, is no result, or another run is writing it.
    """

    def __init__(self, path: Path, head: Head, *, resume: bool, overwrite: bool = False) -> None:
        self._path, self._head = path, head
        self.lines: dict[str, Line] = {}
        self._unsynced = 0
        refuse_existing([path], overwrite=True)  # what is no file is never replaced
        if path.exists() and not (resume or overwrite):
            raise UsageError(
                f"{path} exists", "use --resume to continue it, --overwrite to replace it"
            )
        try:
            self._lock = _lock(path)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RecordError(f"{path}: {(error.strerror or str(error)).lower()}") from None
        try:
            if resume:
                self._read()
            else:
                os.ftruncate(self._file, 0)
            if os.lseek(self._file, 0, os.SEEK_END) == 0:  # before the first line: a kill harms not
                self._put(run_path(path), [_encode(head)])
        except BaseException:
            self.close()
            raise

    def add(self, line: Line) -> bool:
        """Append the line of a recording; False if it has one already.

        Raises
        ------
        RecordError
            If the disk refuses.
        """
        if line.name in self.lines:
            return False
        self._write(_encode(line) + b"\n")
        self.lines[line.name] = line
        self._unsynced += 1
        if self._unsynced >= SYNC_LINES:
            os.fsync(self._file)
            self._unsynced = 0
        return True

    def forget(self, name: str) -> None:
        """Take the line of a recording that has changed for none; its next one counts."""
        self.lines.pop(name, None)

    def finish(self) -> None:
        """Sort the file by name and give it its place at once.

        Raises
        ------
        RecordError
            If the disk refuses; the unsorted file stays then.
        """
        if os.name == "nt":
            os.close(self._file)
            self._file = -1
        self._put(self._path, (_encode(self.lines[name]) for name in sorted(self.lines)))

    def close(self) -> None:
        """Close it; what was added stays."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._lock >= 0:
            os.close(self._lock)
            _lock_path(self._path).unlink(missing_ok=True)
            self._lock = -1

    # ------------------------------------------------------------ inside

    def _read(self) -> None:
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._file, len(whole))  # a kill cut it short
        rows = whole.splitlines()
        if not rows:
            return
        try:
            known = _head(run_path(self._path).read_bytes())
            lines = [_row(row) for row in rows]
        except (msgspec.DecodeError, FileNotFoundError):
            raise RecordError(
                f"{self._path}: is not the result of an archive run", "name another file"
            ) from None
        if known != self._head:
            raise UsageError(
                f"{self._path}: was made with another {_difference(known, self._head)}",
                "write another file, or use --overwrite",
            )
        self.lines = {line.name: line for line in lines}

    def _put(self, path: Path, lines: Iterable[bytes]) -> None:
        part = path.with_name(path.name + ".part")
        try:
            with part.open("wb") as out:
                out.writelines(line + b"\n" for line in lines)
                out.flush()
                os.fsync(out.fileno())
            os.replace(part, path)
        except OSError as error:
            raise RecordError(f"{path}: {(error.strerror or str(error)).lower()}") from None

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise RecordError(f"{self._path}: {(error.strerror or str(error)).lower()}") from None


def run_path(result: Path) -> Path:
    """The file beside a result that says with what it was judged."""
    return result.with_suffix(".run.json")


def _difference(one: Head, other: Head) -> str:
    if one.software != other.software or one.schema != other.schema:
        return f"version ({one.software})"
    if one.models != other.models:
        return "model"
    names = [k for k in one.settings if one.settings[k] != other.settings.get(k)]
    return f"setting ({', '.join(names) or 'a new one'})"


def _lock_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")


def _lock(path: Path) -> int:
    handle = os.open(_lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        free = try_lock(handle)
    except OSError as error:
        os.close(handle)
        words = (error.strerror or str(error)).lower()
        raise RecordError(f"{path}: files cannot be locked there ({words})") from None
    if not free:
        os.close(handle)
        raise RecordError(f"{path}: another run is writing it")
    return handle
