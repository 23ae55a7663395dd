"""Files that appear whole or not at all: staged as ``.part``, synced, then renamed.

An existing file is refused unless the user allows it; a failure leaves nothing behind. Files are
0600, for what is heard of a heart is nobody else's business.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from monitor.errors import RecordError, UsageError


def refuse_existing(paths: list[Path], overwrite: bool) -> None:
    """Raise a UsageError if one of the paths exists and must not be replaced."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            raise UsageError(f"{path} is a folder", "give another name with -o")
        if path.exists() and not path.is_file():  # a device would be replaced by a file
            raise UsageError(f"{path} is no regular file", "give another name with -o")
        if os.path.lexists(path) and not overwrite:
            raise UsageError(f"{path} exists", "allow it with --overwrite or choose another -o")


@contextlib.contextmanager
def staging(folder: Path, names: list[str], overwrite: bool) -> Iterator[Path]:
    """Give a private folder to write ``names`` into; on leaving, move them into ``folder``.

    Parameters
    ----------
    folder
        Where the files belong; made if missing.
    names
        Plain file names. Each must have been written when the block ends.
    overwrite
        Whether files of these names may be replaced.

    Raises
    ------
    UsageError
        If a file exists and may not be replaced.
    RecordError
        If the folder or a file cannot be written; nothing is left behind.
    """
    refuse_existing([folder / name for name in names], overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".apexbeat-", suffix=".part", dir=folder))
    except OSError as error:
        raise RecordError(
            f"cannot write in {folder}: {error.strerror or error}", "choose another -o"
        ) from error
    try:
        yield stage
        for name in names:
            _sync(stage / name)
        refuse_existing([folder / name for name in names], overwrite)
        for name in names:
            os.replace(stage / name, folder / name)
        _sync(folder)
    except OSError as error:
        raise RecordError(
            f"cannot write in {folder}: {error.strerror or error}",
            "free space or choose another -o",
        ) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_files(folder: Path, contents: Mapping[str, str | bytes], overwrite: bool) -> list[Path]:
    """Write files (name → bytes, or text in UTF-8) as one batch; return their paths."""
    with staging(folder, list(contents), overwrite) as stage:
        for name, content in contents.items():
            data = content.encode("utf-8") if isinstance(content, str) else content
            (stage / name).write_bytes(data)
    return [folder / name for name in contents]


def _sync(path: Path) -> None:
    """Make a file (mode 0600) or a folder reach the disk."""
    if path.is_dir():
        if os.name == "nt":
            return  # folders cannot be opened there, and renames are journalled
        handle = os.open(path, os.O_RDONLY)
    else:
        os.chmod(path, 0o600)
        handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
