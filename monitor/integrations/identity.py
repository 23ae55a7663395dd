"""Which bed this is: an id that no other bed has, and the name that people read.

The id stands in topics and in other programs' entities, so it is short and ASCII; the name may be
in any script and of any length, and two beds may bear the same one.
"""

from __future__ import annotations

import hashlib
import re
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

from monitor.text import ascii_text, harmless

NAME_CHARACTERS = 80
SLUG_CHARACTERS = 24
DIGEST_CHARACTERS = 10
_MACHINE = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_NAME = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Bed:
    """One bed: its id in topics, and its name for people."""

    id: str
    name: str


def bed_of(wanted: str, store: Path, slot: int = 0, machine: str | None = None) -> Bed:
    """The bed of one device of one monitor.

    Parameters
    ----------
    wanted
        Name from the settings; empty takes the machine's.
    store
        Folder of the monitor's store: two monitors of one machine have two.
    slot
        Which device of the monitor, from 0.
    machine
        What tells this machine from others. [`machine_id`]
    """
    base = wanted.strip() or socket.gethostname() or "bed"
    more = f" ({slot + 1})" if slot else ""
    name = (harmless(base, NAME_CHARACTERS - len(more)) or "bed") + more
    known = (base, machine_id() if machine is None else machine, str(store.absolute()), str(slot))
    digest = hashlib.sha256("\0".join(known).encode("utf-8", "surrogatepass")).hexdigest()
    slug = _NAME.sub("-", ascii_text(harmless(base), 4 * SLUG_CHARACTERS)).strip("-").lower()
    slug = slug[:SLUG_CHARACTERS].rstrip("-") or "bed"
    return Bed(f"{slug}-{digest[:DIGEST_CHARACTERS]}", name)


def machine_id() -> str:
    """What the system calls this machine, with its name: images that were copied share the first.

    Without one, the address of its network card stands for it.
    """
    for path in _MACHINE:
        try:
            found = Path(path).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if found:
            return f"{found} {socket.gethostname()}"
    return f"{uuid.getnode():012x} {socket.gethostname()}"
