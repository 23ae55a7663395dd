"""Libraries that only an export needs: imported when it runs, or refused in one line."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

from monitor.errors import UsageError


def need(module: str, purpose: str) -> ModuleType:
    """Import a library of the extra ``export``.

    Raises
    ------
    UsageError
        If it is not installed; the message says how to install it.
    """
    try:
        with warnings.catch_warnings():  # their deprecations are not the user's business
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{purpose} needs the library {module}, which is not installed",
            "pip install 'apexbeat[export]'",
        ) from error
