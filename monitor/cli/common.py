"""Options that commands share: settings file, single settings, model."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from monitor.config.load import Loaded, load
from monitor.config.profiles import PROFILES

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


def session_names(ctx: click.Context, _param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Sessions of the store that begin so, for a shell, and "last"; else files."""
    from click.shell_completion import CompletionItem

    from monitor.config.paths import store_folder
    from monitor.errors import ApexbeatError
    from monitor.record.store import Archive

    try:
        settings = load(ctx.params.get("config_file")).settings
        with Archive(store_folder(ctx.params.get("store"), settings)) as archive:
            names = ["last", *(row.id for row in archive.sessions())]
    except (ApexbeatError, OSError):
        names = []
    found = [CompletionItem(name) for name in names if name.startswith(begun)]
    return found or [CompletionItem(begun, type="file")]


def _setting_names(_ctx: click.Context, _param: click.Parameter, begun: str) -> list[str]:
    from monitor.config.load import names

    return [f"{name}=" for name in names() if name.startswith(begun)]


def setting_options(function: F) -> F:
    """Add ``--config``, ``--set`` and ``--profile``.

    They are handed on as ``config_file`` and ``overrides``; a profile is one of the latter.
    """

    @wraps(function)
    def with_profile(*args: Any, profile: str | None, overrides: tuple[str, ...], **kw: Any) -> Any:
        if profile is not None:
            overrides = (*overrides, f"alarms.profile={_quoted(profile)}")
        return function(*args, overrides=overrides, **kw)

    wrapped: Any = with_profile
    for option in (
        click.option(
            "--profile", type=click.Choice(list(PROFILES)), default=None,
            help="Age of the person, for the limits of the alarms; default: adult.",
        ),
        click.option(
            "--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE",
            shell_complete=_setting_names,
            help="Override one setting; may be repeated. 'apexbeat config' lists them.",
        ),
        click.option(
            "--config", "config_file", type=click.Path(path_type=Path), default=None,
            metavar="FILE", help="Settings file to use instead of the default one.",
        ),
    ):  # fmt: skip
        wrapped = option(wrapped)
    return cast(F, wrapped)


store_option = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the store. [the platform's data folder]",
)


def model_options(function: F) -> F:
    """Add ``--model`` and ``--sha256``."""
    for option in (
        click.option(
            "--sha256", default=None, metavar="HEX", help="Expected sha256 of the model file."
        ),
        click.option(
            "--model", default=None, type=click.Path(path_type=Path), metavar="FILE",
            help="'light' for the smaller shipped student, or a model file (TorchScript or ONNX).",
        ),
    ):  # fmt: skip
        function = option(function)
    return function


def load_settings(
    config_file: Path | None,
    overrides: tuple[str, ...],
    model: Path | None = None,
    sha256: str | None = None,
) -> Loaded:
    """Load the settings with what the options say laid over them.

    Raises
    ------
    UsageError
        Names the setting that is wrong.
    """
    more = [] if model is None else [f"analysis.model={_quoted(str(model))}"]
    if sha256 is not None or model is not None:
        # The hash of another file, from the settings, must not stand for this one.
        more.append(f"analysis.model_sha256={_quoted(sha256 or '')}")
    return load(config_file, [*overrides, *more])


def _quoted(text: str) -> str:
    import msgspec

    return msgspec.json.encode(text).decode()
