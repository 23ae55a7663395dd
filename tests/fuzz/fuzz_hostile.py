"""Hostile model files: each would leave a mark on the disk, or fill the memory, if it ran.

None of them is named by a trusted hash; so they are refused before torch sees a byte. Under their
own hash, as a user may trust a wrong file, they are refused by what they hold.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

BOMB_MIB = 1024


class _Marker:
    """Unpickled, it writes a file."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return _write_mark, (str(self._mark),)


def _write_mark(mark: str) -> None:
    Path(mark).write_text("code ran", encoding="utf-8")


def archives(mark: Path, bomb_mib: int = BOMB_MIB) -> dict[str, bytes]:
    """Name → content; unpacked, the bomb has so many MiB."""
    import torch

    pickled = pickle.dumps(_Marker(mark))
    saved = io.BytesIO()
    torch.save({"weights": torch.zeros(2), "marker": _Marker(mark)}, saved)
    return {
        "pickle.pt": pickled,
        "torch_save.pt": saved.getvalue(),
        "zip_with_pickle.pt": _zip({"archive/data.pkl": pickled, "archive/version": b"3\n"}),
        "zip_bomb.pt": _bomb(bomb_mib),
        "script_with_setstate.pt": _script(mark),
    }


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _bomb(mib: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("archive/version", b"3\n")
        with archive.open("archive/data.pkl", "w", force_zip64=True) as member:
            for _ in range(mib):
                member.write(bytes(2**20))
    return buffer.getvalue()


def _script(mark: Path) -> bytes:
    """A real TorchScript archive whose ``__setstate__`` writes into a file of its choosing."""
    import linecache

    import torch

    name = str(mark).replace("\\", "\\\\")
    code = f'''
class Hostile(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.x = torch.zeros(1)

    @torch.jit.export
    def __getstate__(self) -> tuple[torch.Tensor, bool]:
        return self.x, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]):
        self.x = state[0] + torch.from_file("{name}", True, 4).fill_(1.0)[:1]
        self.training = state[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x
'''
    # The script compiler reads the source by its file's name.
    linecache.cache["<hostile>"] = (len(code), None, code.splitlines(keepends=True), "<hostile>")
    space: dict[str, object] = {"torch": torch, "__name__": "hostile"}
    exec(compile(code, "<hostile>", "exec"), space)
    made = space["Hostile"]
    assert isinstance(made, type)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        buffer = io.BytesIO()
        torch.jit.save(torch.jit.script(made()), buffer)
    return buffer.getvalue()
