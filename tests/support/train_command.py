"""`apexbeat-train` as a user calls it."""

from __future__ import annotations

from click.testing import CliRunner

from training.cli import cli


def call(*words: object) -> str:
    """Run a command; errors are raised."""
    result = CliRunner().invoke(cli, [str(w) for w in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output
