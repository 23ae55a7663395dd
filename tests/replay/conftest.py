"""`apexbeat replay` as a user calls it."""

import pytest

from monitor.cli.main import run


@pytest.fixture
def call(capsys):
    """Calls it; gives the exit code, standard output and standard error."""

    def calling(*words):
        code = run(["replay", *map(str, words)])
        return code, *capsys.readouterr()

    return calling
