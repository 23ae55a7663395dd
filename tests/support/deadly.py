"""Work for worker processes that one item kills."""

from __future__ import annotations

import os


def work(item: str) -> str:
    """Return the item in capitals; ``deadly`` ends the process."""
    if item == "deadly":
        os._exit(9)
    return item.upper()


def died(item: str) -> str:
    """The result of an item that killed its process."""
    return f"{item}: died"
