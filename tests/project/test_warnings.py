"""A deprecated call is an error if this project makes it, and no error inside another package."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from types import ModuleType

import pytest

PACKAGE = """
import warnings

warnings.warn("a library is missing", DeprecationWarning)

def old(level=1, category=DeprecationWarning):
    warnings.warn("old is deprecated", category, stacklevel=level)

def new():
    old(1)
    old(2)

def doubtful():
    warnings.warn("this input is odd", UserWarning)

def new_doubtful():
    doubtful()
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """A package of somebody else; it warns while it is imported."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "somebody.py").write_text(PACKAGE)
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(record=True) as seen:
        patch.syspath_prepend(folder)
        package = importlib.import_module("somebody")
    assert len(seen) == 1
    return package


@pytest.mark.parametrize("category", [DeprecationWarning, PendingDeprecationWarning, FutureWarning])
@pytest.mark.parametrize("level", [1, 2])
def test_a_deprecated_call_of_ours_is_an_error(
    package: ModuleType, level: int, category: type[Warning]
) -> None:
    with pytest.raises(category, match="old is deprecated"):
        package.old(level, category)


def test_what_a_package_calls_itself_is_no_error(package: ModuleType) -> None:
    judge = warnings.showwarning
    with warnings.catch_warnings(record=True) as seen:
        warnings.showwarning = judge  # what holds in every other test
        package.new()
    assert [w.category for w in seen] == [DeprecationWarning, DeprecationWarning]


def test_any_other_warning_is_an_error_wherever_it_is_raised(package: ModuleType) -> None:
    with pytest.raises(UserWarning, match="odd"):
        package.new_doubtful()


def test_every_module_of_ours_is_named_in_the_filters(pytestconfig: pytest.Config) -> None:
    folders = {path.parent.name for path in Path(pytestconfig.rootpath).glob("*/__init__.py")}
    strict = [
        f for f in pytestconfig.getini("filterwarnings") if f.startswith("error::") and "|" in f
    ]
    assert len(strict) == 3
    for line in strict:
        assert folders <= set(line.partition("(")[2].partition(")")[0].split("|"))
