"""The review as one page that needs nothing else: no network, no other file, no server.

Its own style and script are named by their hashes in a Content-Security-Policy, so that nothing
that a mail brings could run, load or be submitted, even if it came through as markup.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.report import html_thread
from reviewer.report.html_text import text
from reviewer.report.html_view import view
from reviewer.report.remarks import Remarks, Which

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.review import Review, Threshold
    from reviewer.run import Result

_ASSETS = Path(__file__).with_name("assets")


def render(result: Result, threshold: Threshold, which: Which = Which.ALL) -> str:
    """The page, with a line end. The same review gives the same page, byte by byte."""
    return "".join(_page(result, threshold, which)) + "\n"


def _page(result: Result, threshold: Threshold, which: Which) -> Iterator[str]:
    thread = view(result.review, threshold, Remarks(result.discussion, which))
    title = text(_title(result.review))
    yield "<!doctype html>\n"
    yield f'<html lang="en"><head><meta charset="utf-8">{_policy()}'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{title} - review</title><style>{_asset('page.css')}</style></head>\n<body>"
    yield '<a class="skip" href="#main">Skip to the patches</a>'
    yield f"<header><h1>{title}</h1>"
    yield from html_thread.overview(result, thread, threshold)
    yield from html_thread.filters(thread)
    yield "</header>"
    yield from html_thread.tabs(thread)
    yield '<main id="main" tabindex="-1">'
    for revision in thread.revisions:
        yield from html_thread.revision(revision, thread)
    yield from html_thread.elsewhere(thread)
    yield "</main>\n<footer>"
    yield from html_thread.closing(result)
    yield f"</footer>\n<script>{_asset('page.js')}</script></body></html>"


def _title(review: Review) -> str:
    """The subject of the newest series."""
    series = [each.revision for each in review.revisions if each.revision.answers is None]
    every = series or [each.revision for each in review.revisions]
    return every[-1].subject if every else "Nothing to review"


def _policy() -> str:
    style, script = _hash(_asset("page.css")), _hash(_asset("page.js"))
    return (
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        f" style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'\">"
    )


def _hash(source: str) -> str:
    return "sha256-" + b64encode(sha256(source.encode()).digest()).decode("ascii")


@cache
def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
