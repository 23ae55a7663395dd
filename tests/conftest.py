"""At the end of a run of all tests: every control of docs/risks.toml has a test that passed."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest

SUPPORT = str(Path(__file__).resolve().parent / "support")
if SUPPORT not in sys.path:
    sys.path.insert(0, SUPPORT)

from risks import hazards, unproven  # noqa: E402


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


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # one judge, not one for each worker
        config.pluginmanager.register(Controls(), "controls")
