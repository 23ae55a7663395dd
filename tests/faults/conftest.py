"""Faults with real processes and file systems; what root does not allow is skipped, visibly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from whole_monitor import Mounted, cannot_mount


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Mounted]]:
    """Makes file systems of their own."""
    made: list[Mounted] = []

    def make(size: int, kind: str = "tmpfs") -> Mounted:
        refusal = cannot_mount(kind)
        if refusal:
            pytest.skip(refusal)
        made.append(Mounted(tmp_path / f"disk{len(made)}", size, kind))
        return made[-1]

    yield make
    for one in made:
        one.close()
