"""Standard input, output and error as a command finds them: open, full, or closed.

A descriptor that was closed by whoever called would be given to the next file that is opened, and
what is meant for a terminal be written into a store.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


class _Output(io.FileIO):
    """A descriptor that remembers why it took nothing."""

    refused: OSError | None = None

    def write(self, data: object, /) -> int:
        """As any file."""
        try:
            return super().write(data)  # type: ignore[arg-type]  # a buffer, as its base has it
        except OSError as error:
            self.refused = error
            raise


def fill_standard_streams() -> None:
    """Give each descriptor that is closed something harmless: an output that refuses to be written.

    What nobody can read is not taken for written. Of standard error it is: there is nobody to tell.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # takes the lowest number that is free
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False))
    if sys.stderr is None:
        error = io.BufferedWriter(io.FileIO(2, "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(error, encoding="utf-8", errors="backslashreplace")
    if sys.stdout is None or not sys.stdout.isatty():
        sys.stdout = _remembering(sys.stdout)


def _remembering(stream: TextIO | None) -> TextIO:
    encoding = stream.encoding if stream is not None else "utf-8"
    errors = stream.errors if stream is not None else "backslashreplace"
    raw = io.BufferedWriter(_Output(1, "wb", closefd=False))
    return io.TextIOWrapper(raw, encoding=encoding, errors=errors)


def output_refused() -> OSError | None:
    """Write what waits for standard output; why it could not all be written, None if it was.

    What could not be written is given up, so that the end of the process does not try again.
    """
    stream = sys.stdout
    if stream is None:
        return None
    try:
        stream.flush()
    except OSError as error:
        refused: OSError | None = error
    else:
        raw = getattr(getattr(stream, "buffer", None), "raw", None)
        refused = raw.refused if isinstance(raw, _Output) else None
    if refused is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return refused
