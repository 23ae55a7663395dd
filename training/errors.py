"""What can go wrong offline: one line that says what, where and what to do."""

from __future__ import annotations


class TrainingError(Exception):
    """Something a user of ``apexbeat-train`` can put right; printed without a trace."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}; {remedy}" if remedy else what)
