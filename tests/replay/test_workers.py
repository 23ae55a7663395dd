"""Worker processes: results in order, and an item that kills its process."""

from __future__ import annotations

import pytest
from deadly import died, work

from monitor.errors import ApexbeatError
from monitor.replay.workers import Workers

ITEMS = ["one", "deadly", "two", "three", "four"]


def refuse(item: str) -> str:
    """What replay says."""
    raise ApexbeatError(f"{item} died")


def test_an_item_that_kills_its_process_is_found_and_the_others_are_done() -> None:
    found = dict(Workers(work, died, 2).run(ITEMS))
    assert found == {0: "ONE", 1: "deadly: died", 2: "TWO", 3: "THREE", 4: "FOUR"}


def test_results_come_in_the_order_of_the_items() -> None:
    items = [f"item{number}" for number in range(20)]
    assert list(Workers(work, died, 2).in_order(items)) == [item.upper() for item in items]


def test_without_a_second_try_the_first_death_is_told() -> None:
    with pytest.raises(ApexbeatError, match="died"):
        list(Workers(work, refuse, 2, retry=False).in_order(ITEMS))
