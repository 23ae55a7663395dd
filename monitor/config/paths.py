"""Where the record of live sessions is kept."""

from __future__ import annotations

from pathlib import Path

from monitor.config.load import Settings


def store_folder(asked: Path | None, settings: Settings) -> Path:
    """The folder asked for, else that of the settings, else the platform's; absolute."""
    if asked is not None:
        return asked.expanduser().absolute()
    if settings.record.folder:
        return Path(settings.record.folder).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_path("apexbeat", appauthor=False)).absolute()
