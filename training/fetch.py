"""Download cinc2016 from PhysioNet: checked against the published sha256, resumable.

Files are fetched one by one into ``.part`` files and renamed when their hash is right; a second
call goes on where the first stopped. A broken transfer is asked for again from where it broke.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPResponse
from pathlib import Path

from training.errors import TrainingError

PHYSIONET = "https://physionet.org/files/challenge-2016/1.0.0/"
SUMS = "SHA256SUMS.txt"
WANTED = ("training-", "annotations/")
TRIES = 4
TIMEOUT_S = 30.0
CHUNK = 1 << 16


def fetch(
    folder: Path, url: str = PHYSIONET, *, say: Callable[[str], None] = lambda text: None
) -> int:
    """Fetch every recording and annotation that is not there yet; return their number.

    Raises
    ------
    TrainingError
        If the list or a file cannot be had, or a file's hash stays wrong.
    """
    base = url if url.endswith("/") else url + "/"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {n: h for n, h in _sums(base).items() if n.startswith(WANTED)}
    if not wanted:
        raise TrainingError(f"{base}{SUMS} lists no recording", "check the address")
    for done, (name, sha256) in enumerate(sorted(wanted.items()), 1):
        target = folder / name
        if not (target.is_file() and _hash(target) == sha256):
            _fetch_one(base + name, target, sha256)
        if done % 100 == 0 or done == len(wanted):
            say(f"{done} of {len(wanted)}")
    return len(wanted)


def _open(url: str, headers: dict[str, str] | None = None) -> HTTPResponse:
    """Ask for ``url``; raises OSError, and then no connection is left open."""
    request = urllib.request.Request(url, headers=headers or {})
    try:
        answer: HTTPResponse = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()  # or its connection stays until the collector comes
        raise
    return answer


def _sums(base: str) -> dict[str, str]:
    try:
        with _open(base + SUMS) as answer:
            lines = answer.read().decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TrainingError(f"{base}{SUMS} cannot be had ({error})", "try again later") from error
    out = {}
    for line in lines:
        sha256, _, name = line.strip().partition(" ")
        name = name.strip().lstrip("*")
        if len(sha256) != 64 or not name or name.startswith("/") or ".." in Path(name).parts:
            raise TrainingError(f"{base}{SUMS} has the line '{line[:80]}', which is no checksum")
        out[name] = sha256.lower()
    return out


def _fetch_one(url: str, target: Path, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    reason = ""
    for _ in range(TRIES):
        try:
            _continue(url, part)
        except (OSError, urllib.error.HTTPError) as error:
            reason = str(error)
            continue
        if _hash(part) == sha256:
            part.replace(target)
            return
        reason = "its sha256 is another than the published one"
        part.unlink()
    raise TrainingError(f"{url} cannot be fetched ({reason})", "call fetch again to go on")


def _continue(url: str, part: Path) -> None:
    """Append what is missing; raises OSError where the transfer breaks."""
    have = part.stat().st_size if part.is_file() else 0
    try:
        answer = _open(url, {"Range": f"bytes={have}-"} if have else {})
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing: the hash decides
            return
        raise
    with answer:
        length = answer.headers.get("Content-Length")
        with part.open("ab" if answer.status == 206 else "wb") as file:
            got = 0
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                got += len(chunk)
    if length is not None and got < int(length):
        raise OSError(f"the transfer broke after {have + got} bytes")


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
