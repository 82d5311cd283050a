"""A diff becomes files, hunks and rows, whatever is wrong with it."""

from __future__ import annotations

import email
import gzip
import re
import time
from pathlib import Path

import pytest

from reviewer.diff.patch import Change, Parsed, parse
from reviewer.diff.paths import refusal, relative, shown, unquote

CASES = Path(__file__).parents[2] / "shared" / "cases" / "mail.mbox.gz"

GOOD = """\
diff --git a/drivers/demo/pump.c b/drivers/demo/pump.c
index 1111111aaaaa..2222222bbbbb 100644
--- a/drivers/demo/pump.c
+++ b/drivers/demo/pump.c
@@ -10,6 +10,7 @@ static int pump_start(struct pump *p)
 {
 \tint err;
\x20
-\terr = pump_power(p);
+\tmutex_lock(&p->lock);
+\terr = pump_power(p, true);
 \tif (err)
 \t\treturn err;
"""
SIGNATURE = "-- \n2.43.0\n\n_____\nlist footer\n"


def whats(parsed: Parsed) -> list[str]:
    return [problem.what for problem in parsed.problems]


def signs(parsed: Parsed) -> str:
    return "".join(row.sign for file in parsed.files for hunk in file.hunks for row in hunk.rows)


def test_rows_carry_the_line_numbers_of_both_sides() -> None:
    parsed = parse(GOOD, "mail")
    (hunk,) = parsed.files[0].hunks
    assert not parsed.problems
    assert hunk.section == "static int pump_start(struct pump *p)"
    assert [(row.sign, row.old, row.new) for row in hunk.rows] == [
        (" ", 10, 10),
        (" ", 11, 11),
        (" ", 12, 12),
        ("-", 13, None),
        ("+", None, 13),
        ("+", None, 14),
        (" ", 14, 15),
        (" ", 15, 16),
    ]
    assert hunk.rows[1].text == "\tint err;"


def test_the_index_line_gives_the_blobs_and_the_mode() -> None:
    (file,) = parse(GOOD, "mail").files
    assert (file.old_blob, file.new_blob, file.mode) == ("1111111aaaaa", "2222222bbbbb", "100644")


@pytest.mark.parametrize("tail", ["", SIGNATURE, "--\nme\n", "\nRegards\n", "\n\n\n"])
def test_what_follows_the_last_hunk_is_not_code(tail: str) -> None:
    parsed = parse(GOOD + tail, "mail")
    assert signs(parsed) == "   -++  "
    assert not parsed.problems


def test_a_removed_line_may_look_like_a_signature_or_a_file_name() -> None:
    diff = "--- a/x.lua\n+++ b/x.lua\n@@ -1,3 +1,2 @@\n--- \n--- old name\n+++ x\n a\n"
    (file,) = parse(diff, "mail").files
    assert [row.text for row in file.hunks[0].rows] == ["-- ", "-- old name", "++ x", "a"]


def test_crlf_and_a_missing_last_line_end_change_nothing() -> None:
    crlf = GOOD.replace("\n", "\r\n")
    assert parse(crlf, "mail") == parse(GOOD, "mail")
    assert parse(GOOD.rstrip("\n"), "mail") == parse(GOOD, "mail")


def test_a_new_file_has_no_old_side() -> None:
    diff = (
        "diff --git a/lib/n.c b/lib/n.c\nnew file mode 100644\nindex 000000000000..12345678abcd\n"
        "--- /dev/null\n+++ b/lib/n.c\n@@ -0,0 +1,2 @@\n+int n;\n+int m;\n"
        "\\ No newline at end of file\n"
    )
    (file,) = parse(diff, "mail").files
    assert (file.change, file.path, file.old_blob) == (Change.NEW, "lib/n.c", None)
    assert file.hunks[0].new_open
    assert not file.hunks[0].old_open


def test_a_deleted_file_keeps_its_name() -> None:
    diff = (
        "diff --git a/lib/n.c b/lib/n.c\ndeleted file mode 100644\nindex 12345678..00000000\n"
        "--- a/lib/n.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-int n;\n"
    )
    (file,) = parse(diff, "mail").files
    assert (file.change, file.path, file.new_blob) == (Change.DELETED, "lib/n.c", None)
    assert file.hunks[0].rows[0].old == 1


def test_renames_copies_modes_and_binaries_are_told_apart() -> None:
    diff = (
        "diff --git a/a.c b/b.c\nsimilarity index 100%\nrename from a.c\nrename to b.c\n"
        "diff --git a/c.c b/d.c\nsimilarity index 90%\ncopy from c.c\ncopy to d.c\n"
        "index 1234567..2345678 100644\n--- a/c.c\n+++ b/d.c\n@@ -1 +1 @@\n-int c;\n+int d;\n"
        "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n"
        "diff --git a/l.png b/l.png\nnew file mode 100644\nindex 0000000..2345678\n"
        "GIT binary patch\nliteral 5\nMcmZQz00930000003\n\nliteral 0\nHcmV?d00001\n\n"
        "diff --git a/m.png b/m.png\nindex 1234567..2345678 100644\n"
        "Binary files a/m.png and b/m.png differ\n"
    )
    parsed = parse(diff, "mail")
    assert not parsed.problems
    assert [(file.old_path, file.path, file.change) for file in parsed.files] == [
        ("a.c", "b.c", Change.RENAMED),
        ("c.c", "d.c", Change.RENAMED),
        ("run.sh", "run.sh", Change.MODE),
        ("l.png", "l.png", Change.BINARY),
        ("m.png", "m.png", Change.BINARY),
    ]


def test_a_symbolic_link_named_like_c_is_not_c() -> None:
    diff = (
        "diff --git a/x.c b/x.c\nnew file mode 120000\nindex 0000000..2345678\n--- /dev/null\n"
        "+++ b/x.c\n@@ -0,0 +1 @@\n+../y.c\n\\ No newline at end of file\n"
    )
    assert not parse(diff, "mail").files[0].is_c


@pytest.mark.parametrize(
    ("old", "new", "want"),
    [
        ("a/fs/x.c", "b/fs/x.c", ("fs/x.c", "fs/x.c")),
        ("fs/x.c", "fs/x.c", ("fs/x.c", "fs/x.c")),
        ("fs/x.c.orig\t2020-01-01", "fs/x.c", ("fs/x.c", "fs/x.c")),
        ("./fs/x.c~", "./fs/x.c", ("fs/x.c", "fs/x.c")),
        ("linux-6.1.orig/fs/x.c", "linux-6.1/fs/x.c", ("fs/x.c", "fs/x.c")),
        ("linux/fs/x.c", "linux/fs/x.c", ("fs/x.c", "fs/x.c")),
        ("a/fs/x.c 2020-01-01 10:00:00", "b/fs/x.c", ("fs/x.c", "fs/x.c")),
        ("i/fs/x.c", "w/fs/x.c", ("fs/x.c", "fs/x.c")),
        ('"a/fs/f\\303\\274.c"', '"b/fs/f\\303\\274.c"', ("fs/fü.c", "fs/fü.c")),
        ("/dev/null", "b/fs/x.c", ("fs/x.c", "fs/x.c")),
        ("a/old.c", "b/new.c", ("old.c", "new.c")),
    ],
)
def test_names_lose_their_prefixes(old: str, new: str, want: tuple[str, str]) -> None:
    assert relative(old.partition("\t")[0], new) == want
    (file,) = parse(f"--- {old}\n+++ {new}\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n", "mail").files
    assert (file.old_path, file.path) == want


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../../etc/passwd", "leads out of the source tree"),
        ("/etc/passwd", "absolute"),
        (".git/config", "inside the git directory"),
        ("fs/.GIT/hooks/x", "inside the git directory"),
        ("fs//x.c", "not in its plain form"),
        ("fs/\x1b[2Jx.c", "not printable"),
        ("fs/x\x00.c", "not printable"),
        ("fs/\u202ex.c", "not printable"),
        ("fs\\x.c", "not printable"),
        ("", "empty"),
        ("x" * 5000, "longer than 4096 characters"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused_and_the_rest_is_read(
    path: str, reason: str
) -> None:
    assert refusal(path) == reason
    evil = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-a\n+b\n"
    parsed = parse(evil + GOOD, "mail")
    assert [file.path for file in parsed.files] == ["drivers/demo/pump.c"]
    assert parsed.problems
    assert all(problem.what.isprintable() for problem in parsed.problems)


def test_a_rename_to_an_unsafe_path_is_refused() -> None:
    diff = "diff --git a/x.c b/y.c\nrename from x.c\nrename to ../../.ssh/authorized_keys\n"
    assert not parse(diff, "mail").files


def test_quotes_are_undone_as_git_does_them() -> None:
    assert unquote('"a\\tb\\"\\\\\\101"') == 'a\tb"\\A'
    assert unquote("plain") == "plain"
    assert shown("a\x1b\n" + "x" * 200).startswith("a\\x1b\\nxxx")


def test_text_without_a_diff_is_one_problem() -> None:
    assert parse("Just words.\n", "mail <x@y>") == parse("", "mail <x@y>")
    assert whats(parse("", "mail")) == ["no diff found"]


def test_a_miscounted_hunk_is_read_as_found_and_named_with_its_mail_line() -> None:
    wrong = GOOD.replace("@@ -10,6 +10,7 @@", "@@ -10,7 +10,8 @@")
    parsed = parse(wrong + SIGNATURE, "mail", first_line=21)
    assert signs(parsed) == "   -++  "
    assert whats(parsed) == [
        "hunk 1 of drivers/demo/pump.c at mail line 25: "
        "7 lines announced for the old side, 6 found; read as found"
    ]


def test_a_new_file_edited_by_hand_is_read_whole() -> None:
    rows = "".join(f"+int v{number};\n" for number in range(30))
    for announced in (28, 33):
        head = f"--- /dev/null\n+++ b/x.c\n@@ -0,0 +1,{announced} @@\n"
        parsed = parse(head + rows + SIGNATURE, "mail")
        assert len(parsed.files[0].hunks[0].rows) == 30
        assert "30 found; read as found" in whats(parsed)[0]


def test_an_unreadable_hunk_costs_only_itself() -> None:
    broken = GOOD.replace("\tint err;\n", "\tint err;\nwhat is this\n")
    parsed = parse(broken + GOOD.replace("pump", "fan"), "mail")
    pump, fan = parsed.files
    assert (pump.hunks, pump.complete) == ((), False)
    assert fan.complete
    assert len(fan.hunks) == 1
    assert whats(parsed) == [
        "hunk 1 of drivers/demo/pump.c at mail line 5: "
        "6 lines announced for the old side, 2 found; not read"
    ]


def test_a_line_without_sign_in_the_last_hunk_is_not_taken_for_its_end() -> None:
    broken = GOOD.replace("\tint err;\n", "\tint err;\nwhat is this\n")
    (file,) = parse(broken, "mail").files
    assert (file.hunks, file.complete) == ((), False)


def test_rows_after_the_announced_end_are_not_dropped_in_silence() -> None:
    parsed = parse(GOOD + "+\tmore();\n", "mail")
    assert "1 lines after its announced end were not read" in whats(parsed)[0]


@pytest.mark.parametrize(
    "header",
    [
        "@@ -1,99999999999999999999 +1 @@",
        "@@ -" + "9" * 5000 + " +1 @@",
        "@@ -1 @@",
        "@@@ -1 -1 +1 @@@",
        "@@ -\u0663 +\u0663 @@",
        "@@ foo @@",
    ],
)
def test_a_header_that_is_none_is_named(header: str) -> None:
    parsed = parse(f"--- a/x.c\n+++ b/x.c\n{header}\n-a\n+b\n" + GOOD, "mail")
    assert [file.path for file in parsed.files if file.complete] == ["drivers/demo/pump.c"]
    assert "hunk 1 of x.c at mail line 3: header not readable" in whats(parsed)[0]


def test_a_hunk_without_a_file_is_named() -> None:
    parsed = parse("@@ -1 +1 @@\n-a\n+b\n" + GOOD, "mail", first_line=4)
    assert len(parsed.files) == 1
    assert whats(parsed) == ["hunk at mail line 4 belongs to no file"]


def test_names_that_disagree_with_the_git_header_are_taken_from_above_the_hunk() -> None:
    diff = GOOD.replace("diff --git a/drivers/demo/pump.c b/drivers/demo/pump.c", "diff --git a b")
    (file,) = parse(diff, "mail").files
    assert (file.path, file.old_blob) == ("drivers/demo/pump.c", "1111111aaaaa")


def test_problems_are_counted_when_they_are_many() -> None:
    parsed = parse("diff --git a/x b/x\n" * 100, "mail")
    assert len(parsed.problems) == 21
    assert parsed.problems[-1].what == "and 80 more of this kind"


BIG = {
    "one row": GOOD + "@@ -99 +100 @@\n-" + "a" * 1_000_000 + "\n+b\n",
    "ten thousand rows": "--- /dev/null\n+++ b/x.c\n@@ -0,0 +1,10000 @@\n" + "+int a;\n" * 10_000,
    "headers": GOOD + "@@ -1 +1 @@\n" * 50_000,
    "huge counts": GOOD + "@@ -1,999999999 +1,999999999 @@\n+a\n" * 20_000,
    "file headers": "diff --git a/x b/x\n" * 40_000,
    "blank lines": GOOD + "\n" * 800_000 + "x",
    "wrapped lines": GOOD[:-1] + ("tail " * 15 + "\n") * 10_000,
    "wrapped names": "diff --git a/" + "x" * 80 + "\n" + ("x" * 70 + "\n") * 10_000,
    "addresses as names": ("diff --git " + "://" * 200 + " " * 200 + "x\n") * 500,
    "binary names": ("Binary files " + " and " * 190 + "\n") * 500,
    "carriage returns": GOOD + "\r" * 1_000_000,
    "signatures": GOOD.replace("-10,6", "-10,9") + "-- \n" * 200_000,
    "markers": GOOD + "\\ No newline at end of file\n" * 30_000,
    "dates": "--- a" + " 1999-01-0" * 90_000 + "\n+++ b\n@@ -1 +1 @@\n-a\n+b\n",
}


@pytest.mark.parametrize("name", BIG)
def test_a_hostile_mail_of_a_megabyte_takes_seconds_at_most(name: str) -> None:
    started = time.process_time()
    parsed = parse(BIG[name], "mail", flowed=True)
    assert time.process_time() - started < 5
    assert len(parsed.problems) <= 21
    assert all(len(problem.what) < 600 for problem in parsed.problems)


def test_every_cut_of_a_diff_gives_rows_or_a_reason() -> None:
    mail = GOOD + SIGNATURE
    for end in range(0, len(mail), 3):
        parsed = parse(mail[:end], "mail")
        assert parsed.files or parsed.problems
        for other in ("\\", "@@", "--- a/x", "+++ b/x", "\x00", "diff --git ", "", "\u2028"):
            parsed = parse(f"{mail[:end]}\n{other}\n{mail[end:]}", "mail")
            assert parsed.files or parsed.problems


@pytest.mark.skipif(not CASES.exists(), reason="the archive is not here")
def test_a_real_archive_is_read_at_speed() -> None:
    diffs: list[str] = []
    for raw in re.split(rb"^From mboxrd.*\n", gzip.decompress(CASES.read_bytes()), flags=re.M):
        body = email.message_from_bytes(raw).get_payload(decode=True)
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else ""
        if start := re.search(r"^diff --git ", text.replace("\r\n", "\n"), re.MULTILINE):
            diffs.append(text[start.start() :])
    started = time.process_time()
    read = [parse(diff, "mail") for diff in diffs]
    each = (time.process_time() - started) / len(diffs)
    print(f"{len(diffs)} diffs, {each * 1000:.2f} ms each")
    assert each < 0.003
    assert sum(not file.complete for parsed in read for file in parsed.files) <= len(diffs) / 100
