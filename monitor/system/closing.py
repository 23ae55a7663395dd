"""``with`` for whatever is closed at the end of its use."""

from __future__ import annotations

from typing import Self


class Closing:
    """Closes itself on the way out of a ``with``."""

    def close(self) -> None:
        """Let go of what is held; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
