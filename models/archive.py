"""A look into a TorchScript archive before torch opens it: nothing in it may run at loading.

Loading rebuilds the module's state; the only code of the file that this calls is a
``__setstate__`` of a scripted class, and the only foreign one that of a registered C++ class. A
student has neither. An archive that unpacks to much more than a model is refused as well.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

from models.contract import LARGEST_FILE, ModelRefused

LARGEST_UNPACKED = 4 * LARGEST_FILE
FORBIDDEN = (b"__setstate__", b"__getstate__", b"torch.classes")


def check_archive(content: bytes, path: Path) -> None:
    """Refuse what could run code, or fill the memory, while it is loaded.

    Raises
    ------
    ModelRefused
        In one line.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check(archive, path)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        words = " ".join(str(error).split())[:80] or type(error).__name__
        raise ModelRefused(f"model {path} is no readable TorchScript archive ({words})") from error


def _check(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    size = sum(member.file_size for member in members)
    if size > LARGEST_UNPACKED:
        raise ModelRefused(f"model {path} unpacks to {size // 2**20} MiB: too large for a student")
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise ModelRefused(f"model {path} holds one name twice")
    if not any("/code/" in name for name in names):
        raise ModelRefused(f"model {path} is no readable TorchScript archive (no code in it)")
    for member in members:
        with archive.open(member) as file:  # what the directory says of its size may be a lie
            text = file.read(LARGEST_UNPACKED)
        for word in FORBIDDEN:
            if word in text:
                raise ModelRefused(
                    f"model {path} would run code while it is loaded ({word.decode()})",
                    "export it with apexbeat-train",
                )
