"""The bell rings in the terminal in which the monitoring was started, and in no other."""

from __future__ import annotations

import os
import resource

import pytest

from monitor.supervise.launch import _Bell

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")


def test_it_rings_in_its_terminal_until_that_is_closed() -> None:
    """It opened the terminal by name each time: whoever got that name next heard it."""
    screen, terminal = os.openpty()
    bell = _Bell(os.ttyname(terminal))
    os.close(terminal)
    assert bell.ring()
    assert os.read(screen, 10) == b"\a"
    os.close(screen)
    others = [os.openpty() for _ in range(3)]
    assert not bell.ring()
    for screen, terminal in others:
        os.set_blocking(screen, False)
        with pytest.raises(BlockingIOError):
            os.read(screen, 10)
        os.close(screen)
        os.close(terminal)


def test_it_rings_though_no_descriptor_is_left() -> None:
    screen, terminal = os.openpty()
    bell = _Bell(os.ttyname(terminal))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        assert bell.ring()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert os.read(screen, 10) == b"\a"
    os.close(screen)
    os.close(terminal)


def test_without_a_terminal_it_says_so(tmp_path: os.PathLike[str]) -> None:
    assert not _Bell("").ring()
    assert not _Bell(str(tmp_path) + "/none").ring()
