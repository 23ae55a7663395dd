"""What holds for all tests: warnings that count, and controls of docs/risks.toml that passed."""

from __future__ import annotations

import asyncio
import inspect
import sys
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from monitor.assembly import Models

TESTS = Path(__file__).resolve().parent
OURS = (
    f"{TESTS}/",
    *(f"{TESTS.parent / x}/" for x in ("apexbeat", "dsp", "models", "monitor", "training")),
)
SUPPORT = str(TESTS / "support")
if SUPPORT not in sys.path:
    sys.path.insert(0, SUPPORT)

from risks import hazards, unproven  # noqa: E402

WAITING = (
    "faults",
    "live",
    "web",
    "supervise",
    "exam",
    "integrations",
    "training",
    "smoke",
    "replay",
)
"""Folders whose tests wait for processes and clocks: begun first, beside those that compute."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.pluginmanager.hasplugin("randomly"):
        return

    def turn(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return WAITING.index(folder) if folder in WAITING else len(WAITING)

    items.sort(key=turn)  # stable: the order within a folder stays


class Controls:
    """Notes what became of each test; judges the controls once all have run."""

    def __init__(self) -> None:
        self.outcomes: defaultdict[str, set[str]] = defaultdict(set)
        self.lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.outcomes[report.nodeid.partition("[")[0]].add(report.outcome)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        option = session.config.option
        whole = session.config.args_source is pytest.Config.ArgsSource.TESTPATHS
        if not whole or option.keyword or option.markexpr or option.collectonly:
            return
        if session.shouldstop or session.shouldfail:
            return
        for does, why in unproven(hazards(), self.outcomes):
            self.lines.append(f"control without a passing test ({why}): {does}")
            if why != "skipped here":
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.lines:
            terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def models() -> Models:
    """The shipped models, opened once in each process."""
    from monitor.assembly import open_models
    from monitor.config.load import Settings

    return open_models(Settings())


def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Make a deprecated call of ours an error where the package reports it as its own line.

    The filters of pyproject.toml go by the line that a warning names. A package that warns
    without ``stacklevel`` names itself, so the frame that called it is looked at here.
    """
    show = warnings.showwarning

    def judge(message, category, filename, lineno, file=None, line=None):  # type: ignore[no-untyped-def]
        caller = sys._getframe(2).f_back  # above: the standard library's, the one that warned
        if caller is not None and caller.f_code.co_filename.startswith(OURS):
            raise message
        show(message, category, filename, lineno, file, line)

    warnings.showwarning = judge
    try:
        return (yield)
    finally:
        warnings.showwarning = show


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # one judge, not one for each worker
        config.pluginmanager.register(Controls(), "controls")
