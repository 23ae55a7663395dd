"""One call for every format: which files it makes, written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from monitor.errors import UsageError
from monitor.record import session_sound as heard
from monitor.record.export import csv, edf, fhir, jsonl, sound, wfdb
from monitor.record.export.model import Record
from monitor.system.atomic_write import staging, write_files
from monitor.text import safe_stem

FORMATS = ("csv", "jsonl", "wfdb", "edf", "fhir", "wav", "flac")


def export(
    record: Record,
    to: str,
    folder: Path,
    *,
    what: Sequence[str] = (),
    stem: str | None = None,
    overwrite: bool = False,
    table_style: str = "plain",
) -> list[Path]:
    """Write a record in one format.

    Parameters
    ----------
    to
        One of `FORMATS`.
    folder
        Where the files belong; made if missing.
    what
        For CSV, the tables wanted; none means all.
    stem
        First part of the file names; by default made of the session's name.
    overwrite
        Whether existing files may be replaced.
    table_style
        For CSV: ``plain``, ``semicolon`` or ``locale``.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UsageError
        An unknown format or table, an existing file, a library not installed.
    InputError
        The sound cannot be read.
    RecordError
        The files cannot be written.
    """
    stem = safe_stem(record.session.name if stem is None else stem)
    if what and to != "csv":
        raise UsageError("--what chooses tables of CSV only", "leave it out, or use --to csv")
    if to == "csv":
        unknown = [name for name in what if name not in csv.TABLES]
        if unknown:
            raise UsageError(f"unknown table {unknown[0]}", f"choose from {', '.join(csv.TABLES)}")
        tables = list(dict.fromkeys(what)) or list(csv.TABLES)
        texts = {
            f"{stem}.{name}.csv": csv.render(record, name, *csv.style(table_style))
            for name in tables
        }
        return write_files(folder, texts, overwrite)
    if to == "jsonl":
        name = f"{stem}.jsonl"
        if record.source is not None and (folder / name).resolve() == record.source.resolve():
            raise UsageError(f"{folder / name} is the input itself", "choose another -o")
        return write_files(folder, {name: jsonl.render(record)}, overwrite)
    if to == "fhir":
        texts = {f"{stem}.{suffix}": text for suffix, text in fhir.render(record).items()}
        return write_files(folder, texts, overwrite)
    if to == "wfdb":
        stem = safe_stem(stem, plain=True)  # the format names its files in ASCII
        names = wfdb.file_names(stem, record.sound is not None)
        with staging(folder, names, overwrite) as stage:
            wfdb.write(record, heard.load(record), stage, stem)
        return [folder / name for name in names]
    if to == "edf":
        name = f"{stem}.edf"
        with staging(folder, [name], overwrite) as stage:
            edf.write(record, heard.load(record), stage / name)
        return [folder / name]
    if to in ("wav", "flac"):
        return sound.write(record, to, folder, stem, overwrite)
    raise UsageError(f"unknown format {to}", f"choose from {', '.join(FORMATS)}")
