"""The page as a PDF, by WeasyPrint (extra ``pdf``): the same words and figures, without players."""

from __future__ import annotations

import logging
import warnings

from monitor.record.export.extras import need


def to_pdf(html: str) -> bytes:
    """Return the page as a PDF; nothing but what is in it is read.

    Raises
    ------
    UsageError
        If WeasyPrint is not installed, or lacks its system library (Pango).
    """
    weasyprint = need("weasyprint", "a PDF", "pdf")
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it tells of every unknown rule
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=["data"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pdf: bytes = weasyprint.HTML(string=html, url_fetcher=fetcher).write_pdf()
    return pdf
