"""The page: what stands on it, that no byte of a mail becomes markup, and that it stays small."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from reviewer.report import html
from reviewer.report.html_text import LORE, line, lore, paragraphs, text
from reviewer.report.remarks import Which
from reviewer.review import EVERYTHING, Threshold
from reviewer.run import Request, Result, review
from tests.command import THREADS
from tests.hostile_thread import HOSTILE, PAYLOADS, big_patch, hostile_thread

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "input"}
ELEMENTS = {
    *("a", "article", "body", "button", "caption", "code", "details", "div", "fieldset", "footer"),
    *("h1", "h2", "h3", "h4", "head", "header", "html", "input", "label", "legend", "li", "main"),
    *("meta", "nav", "option", "p", "pre", "script", "section", "select", "span", "strong"),
    *("style", "summary", "table", "tbody", "td", "th", "thead", "time", "title", "tr", "ul"),
}


@dataclass
class Page(HTMLParser):
    """The elements of a page; fails on one that is not closed where it was opened."""

    source: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    stack: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if self.stack and self.stack[-1] not in ("style", "script"):
            self.words.append(data)

    def attributes(self, name: str) -> list[str]:
        """All values of an attribute."""
        return [value for _, attributes in self.elements if (value := attributes.get(name))]

    def classed(self, name: str) -> list[dict[str, str | None]]:
        """The elements that have a class."""
        return [found for _, found in self.elements if name in (found.get("class") or "").split()]


@pytest.fixture(scope="module")
def reviewed() -> Result:
    thread = THREADS / "demo-close-all" / "thread.mbox"
    return review(Request((str(thread),), use_tree=False))


@pytest.fixture(scope="module")
def source(reviewed: Result) -> str:
    return html.render(reviewed, EVERYTHING)


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("hostile") / "thread.mbox"
    file.write_bytes(hostile_thread())
    return html.render(review(Request((str(file),), use_tree=False)), EVERYTHING)


def test_every_revision_patch_and_file_is_on_the_page(page: Page, reviewed: Result) -> None:
    revisions = reviewed.review.revisions
    patches = [patch for revision in revisions for patch in revision.patches]
    assert len(page.classed("revision")) == len(revisions)
    assert len(page.classed("patch")) == len(patches)
    assert len(page.classed("file")) == sum(len(patch.files) for patch in patches)
    words = "".join(page.words)
    for patch in patches:
        assert patch.patch.subject in words
        for file in patch.files:
            for hunk in file.file.hunks:
                assert all(f"{row.sign}{row.text}\n" in words for row in hunk.rows)


def test_a_finding_and_what_people_said_stand_under_their_line(source: str) -> None:
    at = source.index("+\tswap(dd-&gt;sessions, old_sessions);")
    said = source.index("Tom Birch", at)
    found = source.index('<strong class="severity">error</strong>', at)
    assert "</span></pre><article" in source[at:said]
    assert '<span class="state addressed">addressed in v3</span>' in source[said:found]
    assert '<span class="state addressed">gone in v3</span>' in source[found : found + 400]
    assert source.find("data-line=", at, found) == -1


def test_a_finding_and_the_comment_that_says_the_same_link_to_each_other(source: str) -> None:
    articles = re.findall(r'<article [^>]*id="(\w+)".*?</article>', source, re.DOTALL)
    links = {name: _links(source, name) for name in articles}
    pairs = {(one, two) for one, others in links.items() for two in others}
    assert len(pairs) >= 6
    assert {(two, one) for one, two in pairs} == pairs


def _links(source: str, name: str) -> list[str]:
    """The remarks that a remark names."""
    start = source.index(f'id="{name}"')
    article = source[start : source.index("</article>", start)]
    also = article.partition('<p class="also">')[2]
    return re.findall(r'href="#(\w+)"', also)


def test_every_link_leads_to_a_place_of_the_page_or_to_a_mail_on_lore(page: Page) -> None:
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for address in page.attributes("href"):
        assert address.startswith(LORE) or address.removeprefix("#") in ids


def test_evidence_unfolds_and_leads_to_its_line(source: str) -> None:
    (code,) = re.findall(r'<li><a href="#(\w+)"><code>drivers/demo/session\.c:125<', source)
    assert re.search(rf'<span class="add" id="{code}" data-line="125">\+\tsynchronize_rcu', source)


def test_what_the_filters_choose_by_is_on_every_remark(page: Page) -> None:
    remarks = page.classed("remark")
    assert remarks
    assert {each["data-kind"] for each in remarks} == {"error", "warning", "note", "people"}
    states = {each["data-state"] for each in remarks}
    assert states <= {"open", "addressed", "unknown", "none"}
    assert "rcu/bulk-swap" in {
        each["data-rules"] for each in remarks if each["data-kind"] == "people"
    }


def test_the_table_and_the_closing_lines_of_the_terminal_are_there(page: Page) -> None:
    words = " ".join("".join(page.words).split())
    assert "Of these, 3 said by both, 0 by the rules only, 0 by people only." in words
    assert "4 revisions, 6 patches, 12 files: 2 errors, 1 warning, 1 note." in words
    assert page.elements.count(("th", {"scope": "row"})) == 4


def test_what_is_below_the_threshold_is_left_out(reviewed: Result, page: Page) -> None:
    default = Page(html.render(reviewed, Threshold()))
    assert page.classed("warning")
    assert not default.classed("warning")


def test_comments_can_be_left_out(reviewed: Result) -> None:
    assert not Page(html.render(reviewed, EVERYTHING, Which.NONE)).classed("people")


def test_the_same_review_gives_the_same_page(reviewed: Result, source: str) -> None:
    thread = THREADS / "demo-close-all" / "thread.mbox"
    again = review(Request((str(thread),), use_tree=False))
    assert html.render(again, EVERYTHING) == source == html.render(reviewed, EVERYTHING)


def test_only_the_page_s_own_style_and_script_are_allowed(source: str) -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', source)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for element in ("style", "script"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


def test_nothing_is_loaded_from_anywhere(source: str) -> None:
    page = Page(source)
    assert not page.attributes("src")
    assert not page.attributes("style")
    assert "url(" not in source
    assert "@import" not in source


def test_no_byte_of_a_mail_becomes_markup(hostile: str, source: str) -> None:
    page = Page(hostile)
    assert {tag for tag, _ in page.elements} <= ELEMENTS
    assert [tag for tag, _ in page.elements].count("script") == 1
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert names <= {name for _, attributes in Page(source).elements for name in attributes}
    for address in page.attributes("href"):
        assert address.startswith(("#", LORE))
        assert re.fullmatch(r"[\w#:/.@%~-]+", address)


def test_what_was_escaped_is_read_as_it_was_written(hostile: str) -> None:
    words = "".join(Page(hostile).words)
    assert HOSTILE in words
    assert f"no diff in this patch mail: [PATCH v3] {HOSTILE}" in words
    for payload in PAYLOADS:
        assert words.count(payload) >= 2, payload


def test_control_characters_and_broken_text_are_spelled_out(hostile: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", hostile)
    assert "\\x1b[31m" in hostile
    assert "\\u202e" in hostile
    hostile.encode("utf-8")


@pytest.mark.parametrize(
    ("message_id", "address"),
    [
        ("1@a.example", "1@a.example"),
        ("a/b?c#d%e@f", "a%2Fb%3Fc%23d%25e@f"),
        ('"><script>@x', None),
        ("javascript:alert(1)", None),
        ("0123456789012345678901234567890123456789", None),
        ("0123456789@local", None),
        ("\udcff@x", "%3F@x"),
        ("", None),
    ],
)
def test_links_go_to_lore_or_nowhere(message_id: str, address: str | None) -> None:
    wanted = f'<a href="{LORE}{address}" rel="noreferrer">lore</a>' if address else ""
    assert lore(message_id) == wanted


def test_prose_is_filled_anew_and_code_is_kept() -> None:
    given = "one\ntwo\n\n\tcall(a < b);\n\n- first\n- second"
    assert list(paragraphs(given, 1000)) == [
        "<p>one two</p>",
        "<pre>\tcall(a &lt; b);</pre>",
        "<pre>- first\n- second</pre>",
    ]


def test_long_text_says_how_much_of_it_is_missing() -> None:
    assert line("abcdef", 4) == "abcd [... 2 more characters]"
    assert list(paragraphs("abc def", 3)) == ["<p>abc</p>", "<p> [... 4 more characters]</p>"]
    assert text("a\nb") == "a\\x0ab"


def test_a_patch_of_10_000_rows_is_a_page_in_time(tmp_path: Path) -> None:
    file = tmp_path / "big.mbox"
    file.write_bytes(big_patch(10_000))
    result = review(Request((str(file),), use_tree=False))
    began = time.process_time()
    page = html.render(result, EVERYTHING)
    assert time.process_time() - began < 2
    assert len(page) < 3_000_000
    assert page.count('class="add"') >= 10_000
    assert 'class="fold"' in page
    Page(page)


def test_past_a_size_only_what_is_near_a_remark_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "big.mbox"
    file.write_bytes(big_patch(70_000))
    result = review(Request((str(file),), use_tree=False))
    source = html.render(result, EVERYTHING)
    assert len(source) < 1_000_000
    assert re.search(r"\d+ lines are not on this page", source)
    assert Page(source).classed("remark")


def test_a_row_of_a_megabyte_is_cut(tmp_path: Path) -> None:
    file = tmp_path / "long.mbox"
    file.write_bytes(big_patch(5, "x" * 1_000_000))
    result = review(Request((str(file),), use_tree=False))
    assert len(html.render(result, EVERYTHING)) < 100_000


def test_a_target_that_could_not_be_read_is_named(reviewed: Result) -> None:
    broken = Result(reviewed.review, reviewed.discussion, ("<x>: not there",))
    assert "<li>&lt;x&gt;: not there</li>" in html.render(broken, EVERYTHING)
