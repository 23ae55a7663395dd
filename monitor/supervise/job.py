"""What a supervisor tells a core to do, and what a core answers when it has begun.

The job goes to the core's standard input, the answer is the first line on its standard output.
"""

from __future__ import annotations

import msgspec

from monitor.config.load import Settings

LOG = "core.log"
"""File in the store for what cores and their supervisor say."""

EXIT_RESTART = 75
"""A core that ends so wants to be started again with `resume` (its audio library hangs)."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One monitoring."""

    store: str
    """Folder of the store, absolute."""
    sources: list[str]
    """``phantom:NAME`` or ``device:NAME, ID or REGEX``."""
    settings: Settings
    config: str = ""
    """Settings file that `remember` writes into, absolute; empty for none."""
    record: bool = False
    """Keep sound and inputs in a session folder."""
    terminal: str = ""
    """Terminal whose bell rings where there is no audio output; empty for none."""
    adopt: bool = False
    """Supervise the core that runs on the store already (its supervisor is gone)."""
    resume: bool = False
    """Go on with the sessions that have no end."""


class StartReport(msgspec.Struct, frozen=True, kw_only=True):
    """A core that monitors, or why it does not."""

    address: str = ""
    sessions: list[str] = []
    error: str = ""
    """One line; empty if all is well."""
    code: int = 0
    """Exit code of an error."""
    notes: list[str] = []
    """Lines for the person who started it."""
