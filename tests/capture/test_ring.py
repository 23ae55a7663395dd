"""The ring gives out every frame once, unchanged and in order, or counts it as lost."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitor.capture.ring import Ring


def _numbered(start: int, count: int, channels: int = 1) -> np.ndarray:
    column = np.arange(start, start + count, dtype=np.int64) % 32768
    return np.repeat(column[:, None], channels, axis=1).astype(np.int16)


@given(
    capacity=st.integers(1, 50),
    steps=st.lists(st.tuples(st.integers(0, 70), st.booleans()), max_size=40),
)
def test_what_is_read_and_what_is_lost_add_up_to_what_was_written(
    capacity: int, steps: list[tuple[int, bool]]
) -> None:
    ring = Ring(capacity, 2)
    accounted = 0
    for count, reads in steps:
        ring.write(_numbered(ring.written, count, 2))
        if reads:
            taken = ring.take(ring.written)
            assert taken.start == accounted + taken.lost
            assert np.array_equal(taken.frames, _numbered(taken.start, len(taken.frames), 2))
            accounted += taken.lost + len(taken.frames)
            assert accounted == ring.written == ring.read


def test_only_the_asked_part_is_read_and_the_rest_stays() -> None:
    ring = Ring(100, 1)
    ring.write(_numbered(0, 80))
    assert len(ring.take(30).frames) == 30
    taken = ring.take(1000)
    assert (taken.start, len(taken.frames), taken.lost) == (30, 50, 0)


def test_skipped_frames_are_counted_and_not_read() -> None:
    ring = Ring(100, 1)
    ring.write(_numbered(0, 40))
    assert ring.skip(25) == 25
    assert ring.take(40).start == 25


def test_a_writer_on_another_thread_never_corrupts_what_is_read() -> None:
    ring = Ring(500, 1)

    def write() -> None:
        for _ in range(3000):
            ring.write(_numbered(ring.written, 37))

    writer = threading.Thread(target=write)
    writer.start()
    accounted = 0
    while writer.is_alive() or ring.read < ring.written:
        taken = ring.take(ring.written)
        assert np.array_equal(taken.frames, _numbered(taken.start, len(taken.frames)))
        accounted += taken.lost + len(taken.frames)
    writer.join()
    assert accounted == 3000 * 37
