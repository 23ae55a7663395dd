"""Which recordings a replay or an archive reads, what each is called, and where its events go.

A folder is searched for every kind of file that can be read; what is left out is counted. Names
are those of the files, with their folders only where two would be called the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.decoding.decoder import NO_HINTS, Hints
from monitor.decoding.opening import AUDIO, MEDIA, RECORDS, open_decoder
from monitor.decoding.pipe import STDIN
from monitor.decoding.sndfile import NotSound
from monitor.decoding.wfdb import sound_files
from monitor.errors import InputError, UsageError
from monitor.sessionfolder.reader import is_session_folder
from monitor.text import harmless

KINDS_SHOWN = 4
"""Kinds of files left out that are named."""


@dataclass(frozen=True, slots=True)
class Item:
    """One recording.

    Attributes
    ----------
    path
        To be read.
    name
        For people and the event file: the file's, with folders where need be.
    stem
        Path of its event file within the folder of those, without the suffix.
    """

    path: Path
    name: str
    stem: Path


@dataclass
class FolderContents:
    """What a folder holds.

    Attributes
    ----------
    files
        Recordings, sorted.
    other
        Files left out, counted by suffix.
    unread
        Folders in it that cannot be read, and why.
    """

    folder: Path
    files: list[Path] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    unread: list[tuple[Path, str]] = field(default_factory=list)

    def words(self) -> str:
        """One line on what was left out; empty if nothing was."""
        total = sum(self.other.values())
        if not total:
            return ""
        kinds = [f"{n} {kind or 'without a suffix'}" for kind, n in self.other.most_common()]
        shown = ", ".join(kinds[:KINDS_SHOWN]) + (", ..." if len(kinds) > KINDS_SHOWN else "")
        what = "other file" if total == 1 else "other files"
        return f"{self.folder}: {total} {what} left out ({harmless(shown)})"


def search(folder: Path, hints: Hints = NO_HINTS) -> FolderContents:
    """Search a folder and the folders in it.

    Raises
    ------
    InputError
        If it holds no recording, or cannot be read.
    """

    found = FolderContents(folder)

    def refuse(error: OSError) -> None:
        where, why = Path(error.filename), (error.strerror or "cannot be read").lower()
        if where == folder:
            raise InputError(f"{where}: {why}")
        found.unread.append((where, f"{where}: {why}"))

    for where, _, names in os.walk(folder, onerror=refuse):
        here = [Path(where) / name for name in sorted(names) if not name.startswith(".")]
        part_of_records = _signals_of(here)
        for path in here:
            if path in part_of_records:
                continue
            if path.is_file() and is_recording(path, hints):
                found.files.append(path)
            else:
                found.other[path.suffix.lower()] += 1
    if not found.files:
        raise InputError(f"{folder}: no audio in this folder")
    found.files.sort()
    return found


def _signals_of(paths: Sequence[Path]) -> set[Path]:
    """Files that are told with another one: signals of a WFDB record, and headers of a WAV."""
    told: set[Path] = set()
    for path in paths:
        if path.suffix.lower() != ".hea":
            continue
        try:
            signals = sound_files(path)
        except (OSError, NotSound):
            continue
        audio = any(signal.suffix.lower() in AUDIO for signal in signals)
        told |= {s for s in signals if s.suffix.lower() not in AUDIO}
        if audio:
            told.add(path)
    return told


def is_recording(path: Path, hints: Hints = NO_HINTS) -> bool:
    """Whether a file of a folder is one to be read: by its suffix, and for some by its header."""
    suffix = path.suffix.lower()
    if suffix in AUDIO or suffix in MEDIA:
        return True
    if suffix not in RECORDS:
        return False
    try:
        open_decoder(path, hints).close()
    except InputError:
        return False
    return True


def items(paths: Iterable[Path], root: Path) -> list[Item]:
    """Name recordings by their stem, with the folders below ``root`` where two stems are equal."""
    listed = list(paths)
    stems = Counter(map(stem_of, listed))
    out = []
    for path in listed:
        stem = stem_of(path)
        if path in STDIN or stems[stem] == 1:
            out.append(Item(path, "stdin" if path in STDIN else path.name, Path(stem)))
        else:
            inner = Path(os.path.relpath(path.absolute(), root.absolute()))
            out.append(Item(path, inner.as_posix(), inner.with_name(stem)))
    return out


def stem_of(path: Path) -> str:
    """First part of the name of a recording's event file."""
    return "stdin" if path in STDIN else path.stem


def common_root(paths: Sequence[Path]) -> Path:
    """The deepest folder that holds all of ``paths``."""
    parents = [path.absolute().parent for path in paths if path not in STDIN]
    try:
        return Path(os.path.commonpath(parents)) if parents else Path()
    except ValueError:  # on different drives
        return Path()


@dataclass
class Collected:
    """What the inputs of a command come to.

    Attributes
    ----------
    files
        Recordings in order.
    failed
        Inputs that are neither recording nor folder of some, with the line that says why.
    told
        Lines on what was left out.
    """

    files: list[Item] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


def collect(inputs: Sequence[Path], hints: Hints = NO_HINTS) -> Collected:
    """Return what to read: folders searched, session folders and files taken as they are."""
    out = Collected()
    paths: list[Path] = []
    roots: list[Path] = []
    for path in inputs:
        if path in STDIN or not path.is_dir() or is_session_folder(path):
            paths.append(path)
            continue
        try:
            found = search(path, hints)
        except InputError as error:
            out.failed.append((path, str(error)))
            continue
        paths += found.files
        out.failed += found.unread
        roots.append(path)
        if words := found.words():
            out.told.append(words)
    alone = len(inputs) == 1 and bool(roots)
    out.files = items(paths, roots[0] if alone else common_root(paths))
    return out


def refuse_clashes(files: Sequence[Item], suffix: str) -> None:
    """See that no two recordings have one event file.

    Raises
    ------
    UsageError
        Names the two.
    """
    seen: dict[Path, Path] = {}
    for item in files:
        other = seen.setdefault(item.stem, item.path)
        if other is not item.path:
            raise UsageError(
                f"{other} and {item.path} would both be written to {item.stem}{suffix}",
                "replay them into different folders",
            )
