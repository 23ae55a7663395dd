"""The version of the software, from the installed distribution."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _installed


@cache
def version() -> str:
    """Return the version, ``0+unknown`` where the distribution is not installed."""
    try:
        return _installed("apexbeat")
    except PackageNotFoundError:
        return "0+unknown"
