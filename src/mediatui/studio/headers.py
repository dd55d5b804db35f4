"""What the head of an answer promises of the file that follows."""

from __future__ import annotations

import re

from mediatui.errors import SaveError, SaveErrorKind
from mediatui.providers.problems import retry_after
from mediatui.studio.answer import Answer
from mediatui.studio.part import Validator

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RETRY_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
_GONE_STATUSES = frozenset({401, 403, 404, 410})
_PAGES = frozenset({"text/html", "application/xhtml+xml", "application/json", "application/problem+json"})
_COMPRESSED = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress", "dcb", "dcz"})
"""Codings that were not asked for. What else stands there (``aws-chunked``, ``utf-8``, ``none``) codes nothing."""
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.IGNORECASE)


class GoneError(SaveError):
    """The address answers 401, 403, 404 or 410: ask the provider for a fresh one, once."""

    def __init__(self, status: int) -> None:
        super().__init__(
            SaveErrorKind.EXPIRED,
            f"the provider's address for this file answers {status}",
            hint="Try once more; it can be generated again from its stored inputs, which is a new payment.",
        )
        self.status = status
        self.may_be_signed = status in (401, 403, 404)
        """The file may be there all the same, for those who bring a signature."""


def leads_to(answer: Answer) -> str | None:
    """Where the file is to be asked for instead."""
    return answer.headers.get("location") if answer.status in _REDIRECTS else None


def check_status(answer: Answer) -> None:
    """Raise what any answer but 200 and 206 means."""
    status = answer.status
    if status in _GONE_STATUSES:
        raise GoneError(status)
    if status in _RETRY_STATUSES:
        wait = retry_after(answer.headers)
        raise SaveError(SaveErrorKind.SERVER, f"the server answered {status}", retry_after=wait)
    if status not in (200, 206):
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server answered {status} instead of the file")


def check_headers(answer: Answer, total: int | None, max_bytes: int) -> None:
    """Raise for a coded, empty or too large body."""
    codings = {each.strip().lower() for each in answer.headers.get("content-encoding", "").split(",")}
    if found := codings & _COMPRESSED:
        raise SaveError(SaveErrorKind.BAD_CONTENT, f"the server sent the file {min(found)}-compressed")
    if total == 0:
        raise SaveError(SaveErrorKind.BAD_CONTENT, "the server sent an empty file")
    if total is not None and total > max_bytes:
        raise too_large(max_bytes)


def page_type(answer: Answer) -> str:
    """The type of a page that the head announces instead of a file; empty when it does not."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind if kind in _PAGES else ""


def too_large(limit: int) -> SaveError:
    """The file is larger than the settings allow."""
    return SaveError(
        SaveErrorKind.BAD_CONTENT,
        f"the file is larger than the limit of {limit:,} bytes",
        hint="Raise save.max_file_bytes in the configuration, then retry.",
    )


def continues(answer: Answer, offset: int, known: Validator) -> bool:
    """A 206 goes on where our bytes end, to the end of the same file.

    Some servers and caches between send a range of whatever they have now and heed no If-Range.
    """
    found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", "").strip())
    if found is None or int(found[1]) != offset or _is_another(answer, known):
        return False
    if answer.length not in (None, int(found[2]) - offset + 1):
        return False
    total = known.total if found[3] == "*" else int(found[3])
    return total is not None and int(found[2]) == total - 1 and known.total in (None, total)


def _is_another(answer: Answer, known: Validator) -> bool:
    """The head names another version of the file than the one our bytes are of."""
    etag = answer.headers.get("etag", "").strip()
    if etag and known.etag:
        return etag.removeprefix("W/") != known.etag
    modified = answer.headers.get("last-modified", "").strip()
    return bool(modified and known.modified) and modified != known.modified


def validator_of(url: str, answer: Answer, total: int | None) -> Validator:
    """What a later request can compare, and send back."""
    if answer.headers.get("accept-ranges", "bytes").strip().lower() == "none":
        return Validator(url=url, total=total)
    etag, modified = (_sendable(answer.headers.get(name, "").strip()) for name in ("etag", "last-modified"))
    strong = etag if len(etag) > 1 and etag[0] == etag[-1] == '"' else ""
    return Validator(url=url, etag=strong, modified=modified, total=total)


def _sendable(value: str) -> str:
    return value if value.isascii() and value.isprintable() and len(value) < 1000 else ""
