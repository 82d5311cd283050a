"""Diffs are found in the text of mails, and only real ones."""

from __future__ import annotations

import time

import pytest

from reviewer.mail.grouping import embedded

DIFF = """\
diff --git a/lamp.c b/lamp.c
index 1111111..2222222 100644
--- a/lamp.c
+++ b/lamp.c
@@ -1,2 +1,2 @@
 int lamp;
-int wick;
+int wick = 1;
"""
OLD_STYLE = DIFF[DIFF.index("---") :]


@pytest.mark.parametrize(
    "diff",
    [
        DIFF,
        OLD_STYLE,
        "Index: lamp.c\n" + "=" * 67 + "\n" + OLD_STYLE,
        "diff -u lamp.c.orig lamp.c\n" + OLD_STYLE,
        "diff --git a/l.c b/m.c\nsimilarity index 100%\nrename from l.c\nrename to m.c\n",
        "diff --git a/l.sh b/l.sh\nold mode 100644\nnew mode 100755\n",
        "diff --git a/l.bin b/l.bin\nindex 11111..22222 100644\nGIT binary patch\n",
        DIFF.replace(" b/lamp.c\nindex", "\nb/lamp.c\nindex"),
        DIFF.replace("--- a/lamp.c\n+++", "--- a/lamp.c\n\n+++"),
    ],
)
def test_every_form_of_diff_is_found_with_its_line(diff: str) -> None:
    found = embedded.find("One.\n\n" + diff)
    assert found is not None
    assert (found.diff, found.line, found.above) == (diff, 3, "One.\n\n")


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"> {line}\n" for line in DIFF.splitlines()),
        "".join(f"    {line}\n" for line in DIFF.splitlines()),
        "Run this:\ndiff --git a b\nand see.\n",
        "--- a thought\n\nmore\n",
        "@@ -1,2 +1,2 @@\n-a\n+b\n",
        "",
    ],
)
def test_quoted_indented_and_mentioned_diffs_are_none(text: str) -> None:
    assert embedded.find(text) is None


@pytest.mark.parametrize(
    "tail", ["-- \n2.43.0\n\n", "--\n2.43.0\n", "-- \nAda\n", "-- \n2.43.0\n\n-- \nlist footer\n"]
)
def test_the_signature_is_cut_off(tail: str) -> None:
    found = embedded.find(DIFF + tail)
    assert found is not None
    assert found.diff == DIFF


def test_a_removed_line_of_one_dash_is_no_signature() -> None:
    diff = DIFF.replace("-int wick;\n", "-- \n")
    found = embedded.find(diff + "-- \n2.43.0\n")
    assert found is not None
    assert found.diff == diff


def test_a_diff_behind_a_signature_is_kept() -> None:
    text = DIFF + "-- \nAda\n" + DIFF.replace("lamp", "wick")
    found = embedded.find(text)
    assert found is not None
    assert found.diff == text


def test_the_commit_message_is_cut_as_git_does() -> None:
    above = (
        "From: Bo Example <bo@x>\nSubject: [PATCH] a\n b\n\nWhy.\n\nFrom here.\n---\n x | 2 +-\n"
    )
    found = embedded.preamble(above)
    assert found == embedded.Preamble("Why.\n\nFrom here.", "Bo Example <bo@x>", "[PATCH] a b")


@pytest.mark.parametrize("line", ["-- >8 --", "--- 8< ---", "------ >8 ------", "-- 8< -- cut --"])
def test_the_commit_message_begins_below_the_scissors(line: str) -> None:
    above = f"Like this?\n\n{line}\nSubject: lamp: fix\n\nWhy.\n"
    assert embedded.preamble(above, reply=True) == embedded.Preamble("Why.", None, "lamp: fix")


def test_in_a_reply_only_the_own_words_describe_the_diff() -> None:
    assert embedded.preamble("> old\nNo.\n> more\n\nBut so:\n", reply=True).text == "But so:"


def test_a_copy_with_other_white_space_has_the_same_changes() -> None:
    assert embedded.changes(DIFF) == embedded.changes(DIFF.replace("wick = 1", "wick  =\t1"))
    assert embedded.changes(DIFF) != embedded.changes(DIFF.replace("1;", "2;"))


@pytest.mark.parametrize(
    "piece",
    [
        "--- a\n",
        "--- a\n+++ b\n",
        "diff --git a b\n",
        "Index: a\n",
        "-- \n",
        "-",
        "- ",
        " ",
        "From: x\n",
        "--\n1.1" + " " * 500 + "x\n",
        "-" * 500 + ">8\n",
    ],
)
def test_a_hostile_megabyte_is_searched_in_no_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece)) + "\n" + DIFF
    begin = time.process_time()
    found = embedded.find(text)
    assert found is not None
    embedded.find(DIFF + text)
    embedded.preamble(found.above)
    embedded.quotes_whole_mail(found.above)
    assert time.process_time() - begin < 2
