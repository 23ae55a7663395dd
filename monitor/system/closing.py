"""``with`` for whatever is closed at the end of its use."""

from __future__ import annotations

from types import TracebackType
from typing import Self


class Closing:
    """Closes itself on the way out of a ``with``."""

    def close(self) -> None:
        """Let go of what is held; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
