"""Libraries that only an export needs: imported when it runs, or refused in one line."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

from monitor.errors import UsageError


def need(module: str, purpose: str, extra: str = "export") -> ModuleType:
    """Import a library of an extra of the package.

    Raises
    ------
    UsageError
        If it, or a system library under it, is not installed; the message says how to get it.
    """
    try:
        with warnings.catch_warnings():  # their deprecations are not the user's business
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"{purpose} needs the library {module}, which is not installed",
            f"pip install 'apexbeat[{extra}]'",
        ) from error
    except OSError as error:
        raise UsageError(
            f"{purpose} needs {module}, which lacks a library of the system: {error}",
            f"install what the manual of {module} names",
        ) from error
