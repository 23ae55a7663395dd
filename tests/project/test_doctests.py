"""The examples in the docstrings where a reader starts are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "dsp.chain",
    "dsp.cycles.decoder",
    "monitor.analysis.alarms",
    "monitor.analysis.pipeline",
    "monitor.record.eventfile",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_docstring_are_true(name: str) -> None:
    failed, attempted = doctest.testmod(import_module(name))
    assert attempted
    assert not failed
