"""Every shipped recording on the screen, at every size, as it was read by a person.

Probabilities may round otherwise on another processor: two texts that differ in digits after a
point alone, by one in the last place, are the same.
"""

from __future__ import annotations

import asyncio
import re

import pytest
from recorded import MOMENTS_S, RECORDINGS, SIZES, golden, texts

from monitor.assembly import Models

P = re.compile(r"(?<=mean p )\d\.\d\d")


@pytest.mark.parametrize("name", MOMENTS_S)
def test_a_shipped_recording_looks_as_it_was_read(name: str, models: Models) -> None:
    for (width, height), text in zip(SIZES, asyncio.run(texts(name, models)), strict=True):
        rows = text.splitlines()
        assert len(rows) == height
        assert max(map(len, rows)) <= width
        expected = golden(name, width, height).read_text(encoding="utf-8")
        for ours, theirs in zip(P.findall(text), P.findall(expected), strict=True):
            assert float(ours) == pytest.approx(float(theirs), abs=0.0101)
        assert P.sub("p", text) == P.sub("p", expected), (name, width, height)


def test_every_shipped_recording_is_looked_at() -> None:
    shipped = {path.name for path in RECORDINGS.iterdir() if path.suffix in (".wav", ".flac")}
    assert shipped == set(MOMENTS_S)
