"""The errors a user sees: each says what happened and what to do, and has an exit code."""

from __future__ import annotations

EXIT_OK = 0
EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_NO_INPUT = 3
EXIT_DEVICE = 4
EXIT_MODEL = 5
EXIT_RECORD = 6
EXIT_INTERRUPTED = 130


class ApexbeatError(Exception):
    """Base of all errors that are printed as one line, without a traceback."""

    exit_code = EXIT_SOME_FAILED

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what}; {remedy}" if remedy else what)


class UsageError(ApexbeatError):
    """Wrong usage: an invalid option or setting, or two inputs with the same name."""

    exit_code = EXIT_USAGE


class InputError(ApexbeatError):
    """One input cannot be read as sound."""


class NoInputError(ApexbeatError):
    """No usable input: none given, or all failed."""

    exit_code = EXIT_NO_INPUT


class DeviceError(ApexbeatError):
    """The microphone is unknown, ambiguous, in use or gone."""

    exit_code = EXIT_DEVICE


class ModelError(ApexbeatError):
    """A model was refused."""

    exit_code = EXIT_MODEL


class RecordError(ApexbeatError):
    """Events or sound cannot be written."""

    exit_code = EXIT_RECORD
