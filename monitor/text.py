"""Text from outside (device, file, tag, note) made harmless before it is shown or written.

``harmless`` takes away what a terminal could obey: escape sequences, control and direction
characters. ``clean`` also takes what a console or a browser reads as markup; it is for words that
leave the machine (HTML is escaped once more where it is written). ``safe_stem`` makes a file name
of a name.
"""

from __future__ import annotations

import codecs
import hashlib
import re
import unicodedata

NAME_LIMIT = 120
TEXT_LIMIT = 400

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, erase
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS ...
    r"|\x1b[ -/]*[0-~]?"
)
_HTML_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_CONSOLE_TAG = re.compile(r"\[(?=[^\d\s\]])")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_UNSAFE_ANY = re.compile(r"[^\w-]+")
_RESERVED = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)$")


def decoded(data: bytes, other: str | None = None) -> str:
    """Return the text of a file: UTF-8 or UTF-16, with or without a byte order mark.

    Parameters
    ----------
    data
        All of it.
    other
        Encoding of a file that is neither; None refuses it.

    Raises
    ------
    ValueError
        If it is neither.
    """
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16")
    if len(data) >= 4 and data[1::2].count(0) > len(data) // 4 > data[::2].count(0):
        return data.decode("utf-16-le")
    if len(data) >= 4 and data[::2].count(0) > len(data) // 4 > data[1::2].count(0):
        return data.decode("utf-16-be")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if other is None:
            raise ValueError("neither UTF-8 nor UTF-16 text") from None
        return data.decode(other, "replace")


def clean(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return `harmless` text in which no bracket opens a tag either.

    ``[bold]`` becomes ``(bold)`` and ``<script>`` becomes ``‹script>``: for words that another
    program will show, which may read markup. Cleaning twice changes nothing more.

    Parameters
    ----------
    text
        Anything, lone surrogates and NUL included.
    limit
        Characters of the result, 1 or more.
    """
    line = _HTML_TAG.sub("‹", harmless(text, limit))
    if _CONSOLE_TAG.search(line):
        line = line.replace("[", "(").replace("]", ")")
    return line


def harmless(text: str, limit: int = NAME_LIMIT) -> str:
    """Return ``text`` as one line of at most ``limit`` characters, safe on a terminal.

    Escape sequences vanish with their parameters, control and format characters vanish, any
    white space becomes one blank, and a byte of a file name that was no UTF-8 becomes ``�``. What
    is cut off is marked by ``…``. Brackets stay: what reads markup must be told not to.

    Parameters
    ----------
    text
        Anything, lone surrogates and NUL included.
    limit
        Characters of the result, 1 or more.
    """
    head = text[: 16 * limit + 4096]  # nobody cleans megabytes for one line
    kept = []
    for character in _ESCAPES.sub("", head):
        category = unicodedata.category(character)
        if character.isspace() or category in ("Zl", "Zp"):
            kept.append(" ")
        elif category == "Cs":
            kept.append("\ufffd")
        elif category[0] != "C" or category == "Co":
            kept.append(character)
    line = " ".join("".join(kept).split())
    if len(line) > limit or len(text) > len(head):
        line = line[: limit - 1].rstrip() + "…"
    return line


def ascii_text(text: str, limit: int) -> str:
    """Return a cleaned text in ASCII, for formats that know nothing else.

    NUL goes: those formats end a text with it.
    """
    for sign, plain in (("≥", ">="), ("≤", "<="), ("–", "-"), ("…", "..."), ("×", "x"), ("‹", "(")):
        text = text.replace(sign, plain)
    folded = unicodedata.normalize("NFKD", text)
    folded = "".join(c for c in folded if c != "\0" and not unicodedata.combining(c))
    return folded.encode("ascii", "replace").decode("ascii")[:limit]


def safe_stem(name: str, limit: int = 60, plain: bool = False) -> str:
    """Return a file stem that stands for ``name``: letters of any script, digits, ``-`` and ``_``.

    Parameters
    ----------
    name
        Of a session, a file, a program.
    limit
        Bytes of the result, 16 or more.
    plain
        ASCII alone; a name that this leaves little of gets a sign of its own, so that two
        different names stay different.
    """
    text = clean(name, limit * 4)
    if plain:
        stem = _cut(_UNSAFE.sub("_", ascii_text(text, limit * 4)), limit)
        lost = sum(c.isalnum() and not c.isascii() for c in unicodedata.normalize("NFKD", text))
        if lost:
            sign = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:8]
            stem = f"{_cut(stem, limit - 9)}_{sign}".lstrip("_")
    else:
        stem = _cut(_UNSAFE_ANY.sub("_", unicodedata.normalize("NFC", text)), limit)
    if not stem:
        return "session"
    return f"{stem}_" if _RESERVED.match(stem) else stem


def _cut(stem: str, limit: int) -> str:
    """So many bytes of a stem, no sign cut in two, and no signs at its ends."""
    return stem.strip("_-").encode()[:limit].decode("utf-8", "ignore").rstrip("_-")


def clock(seconds: float) -> str:
    """Return a duration as ``m:ss`` or ``h:mm:ss``; fractions are cut."""
    whole = max(int(seconds), 0)
    hours, rest = divmod(whole, 3600)
    minutes, second = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{second:02d}" if hours else f"{minutes}:{second:02d}"
