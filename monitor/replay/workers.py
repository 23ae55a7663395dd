"""How a worker process of ours begins: deaf to Ctrl-C, and not outliving the one that asked.

Ctrl-C reaches every process of a terminal; the parent says when to stop. A pool whose owner was
killed would wait for ever for its next task.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
import threading


def begin_worker() -> None:
    """Call first in a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
