"""The text before and after a patch: whole when a repository or the mail has it, else a reason."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reviewer.diff.apply import apply, only_side, revert
from reviewer.diff.blobs import Overlay, Tree, blob_id, knows_any, open_tree, remember, texts_of
from reviewer.diff.patch import FileDiff, parse
from reviewer.errors import TargetError
from reviewer.model import Context

OLD = "".join(f"int v{number};\n" for number in range(1, 31))
NEW = OLD.replace("int v5;\n", "long v5;\nlong w5;\n").replace("int v25;\n", "")
NEXT = NEW.replace("long w5;\n", "char w5;\n")


def git(directory: Path, *words: str, text: str = "") -> str:
    name = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "core.abbrev=12")
    done = subprocess.run(
        ["git", *name, *words],
        cwd=directory,
        input=text,
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


def commit(directory: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)
    git(directory, "add", "-A")
    git(directory, "commit", "-qm", "change")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with three versions of fs/x.c, and HEAD at the first."""
    git(tmp_path, "init", "-q")
    commit(tmp_path, {"fs/x.c": OLD, "fs/y.c": "int y;\n"})
    git(tmp_path, "tag", "old")
    commit(tmp_path, {"fs/x.c": NEW})
    commit(tmp_path, {"fs/x.c": NEXT})
    git(tmp_path, "tag", "next")
    git(tmp_path, "reset", "-q", "--hard", "old")
    return tmp_path


@pytest.fixture
def apart(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that has the first version only."""
    other = tmp_path_factory.mktemp("apart")
    git(other, "init", "-q")
    commit(other, {"fs/x.c": OLD})
    return other


def file_of(diff: str) -> FileDiff:
    parsed = parse(diff, "mail")
    assert not parsed.problems
    return parsed.files[0]


def diff_of(repository: Path, *words: str) -> FileDiff:
    return file_of(git(repository, "diff", *words))


def tree_of(path: Path) -> Tree:
    tree = open_tree(path)
    assert tree is not None
    return tree


def test_the_blob_of_the_index_line_is_the_old_text(repository: Path) -> None:
    file = diff_of(repository, "old", "next~1")
    texts = texts_of(file, tree_of(repository), {})
    assert (texts.old, texts.new, texts.context, texts.reason) == (OLD, NEW, Context.BLOB, None)


def test_a_repository_is_found_from_below_and_not_from_elsewhere(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert open_tree(repository / "fs") is not None
    assert open_tree(tmp_path_factory.mktemp("elsewhere")) is None
    assert open_tree(Path("/does/not/exist")) is None


def test_a_repository_of_another_user_is_refused_with_advice(repository: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    for path in (repository, repository / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(TargetError, match=r"safe\.directory"):
        open_tree(repository)


def test_a_repository_says_whether_it_knows_a_blob(repository: Path, apart: Path) -> None:
    file = diff_of(repository, "next~1", "next")
    assert knows_any(tree_of(repository), [file])
    assert not knows_any(tree_of(apart), [file])
    assert not knows_any(tree_of(repository), parse("--- a/x\n+++ b/x\n", "mail").files)


def test_the_second_patch_of_a_series_stands_on_the_first(repository: Path, apart: Path) -> None:
    tree = tree_of(apart)
    overlay: Overlay = {}
    first, second = diff_of(repository, "old", "next~1"), diff_of(repository, "next~1", "next")
    assert texts_of(second, tree, {}).context is Context.HUNKS
    remember(overlay, first, texts_of(first, tree, overlay))
    texts = texts_of(second, tree, overlay)
    assert (texts.old, texts.new, texts.reason) == (NEW, NEXT, None)


def test_a_series_that_adds_a_file_needs_no_repository(repository: Path) -> None:
    overlay: Overlay = {}
    commit(repository, {"n.c": "int a;\nint b;\n"})
    commit(repository, {"n.c": "int a;\nint c;\n"})
    first, second = diff_of(repository, "HEAD~2", "HEAD~1"), diff_of(repository, "HEAD~1")
    texts = texts_of(first, None, overlay)
    assert (texts.old, texts.new, texts.context) == (None, "int a;\nint b;\n", Context.BLOB)
    remember(overlay, first, texts)
    assert texts_of(second, None, overlay).new == "int a;\nint c;\n"


def test_after_a_patch_that_could_not_be_placed_head_is_not_taken(
    repository: Path, apart: Path
) -> None:
    overlay: Overlay = {}
    unknown = file_of("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1,2 +1,2 @@\n other\n-a\n+b\n")
    texts = texts_of(unknown, tree_of(apart), overlay)
    assert texts.reason == "the hunks do not fit the file in the repository"
    remember(overlay, unknown, texts)
    plain = file_of(
        "--- a/fs/x.c\n+++ b/fs/x.c\n@@ -29,2 +29,2 @@\n int v29;\n-int v30;\n+int z;\n"
    )
    assert texts_of(plain, tree_of(apart), overlay).context is Context.HUNKS
    assert texts_of(plain, tree_of(apart), {}).context is Context.BLOB


def test_head_is_used_when_the_hunks_fit_it_exactly_and_said(apart: Path) -> None:
    diff = "--- a/fs/x.c\n+++ b/fs/x.c\n@@ -{0},2 +{0},2 @@\n int v4;\n-int v5;\n+int z;\n"
    texts = texts_of(file_of(diff.format(4)), tree_of(apart), {})
    assert texts.new == OLD.replace("v5", "z")
    assert texts.reason == "the file at HEAD; the diff names no blob that is here"
    assert texts_of(file_of(diff.format(3)), tree_of(apart), {}).context is Context.HUNKS


def test_the_old_text_comes_from_the_new_blob_when_only_that_is_known(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q")
    commit(other, {"moved.c": NEW})
    file = diff_of(repository, "old", "next~1")
    texts = texts_of(file, tree_of(other), {})
    assert (texts.old, texts.new) == (OLD, NEW)


def test_without_a_repository_the_reason_is_given(repository: Path) -> None:
    file = diff_of(repository, "old", "next")
    texts = texts_of(file, None, {})
    assert (texts.old, texts.new, texts.context, texts.reason) == (
        *(None, None, Context.HUNKS),
        "no git tree",
    )


def test_an_unknown_blob_is_named(repository: Path, apart: Path) -> None:
    file = diff_of(repository, "next~1", "next")
    reason = texts_of(file, tree_of(apart), {}).reason
    assert reason == f"this repository has no blob {file.old_blob}"


def test_an_index_line_that_lies_gives_no_text(repository: Path) -> None:
    y = git(repository, "rev-parse", "old:fs/y.c")[:12]
    diff = git(repository, "diff", "old", "next").replace(
        "\nindex ", f"\nindex {y}..{y} 100644\n", 1
    )
    texts = texts_of(parse(diff, "mail").files[0], tree_of(repository), {})
    assert texts.old in (None, OLD)


def test_an_added_and_a_deleted_file_are_whole_without_a_repository(repository: Path) -> None:
    commit(repository, {"n.c": "int a;\nint b;"})
    added = texts_of(diff_of(repository, "old", "HEAD"), None, {})
    deleted = texts_of(diff_of(repository, "HEAD", "old"), None, {})
    assert (added.old, added.new, added.context) == (None, "int a;\nint b;", Context.BLOB)
    assert (deleted.old, deleted.new, deleted.context) == ("int a;\nint b;", None, Context.BLOB)


def test_links_submodules_and_binaries_are_not_text(repository: Path) -> None:
    (repository / "link.c").symlink_to("/etc/passwd")
    (repository / "b.bin").write_bytes(b"\0\1")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "link")
    parsed = parse(git(repository, "diff", "old", "HEAD"), "mail")
    texts = [texts_of(file, tree_of(repository), {}) for file in parsed.files]
    assert [each.reason for each in texts] == ["binary", "a symbolic link"]
    plain = file_of("--- a/link.c\n+++ b/link.c\n@@ -1 +1 @@\n-/etc/passwd\n+x\n")
    assert texts_of(plain, tree_of(repository), {}).reason == "link.c is a symbolic link at HEAD"


def test_a_huge_blob_is_refused(repository: Path) -> None:
    commit(repository, {"fs/x.c": OLD + "int big;\n" * 600_000})
    file = file_of("--- a/fs/x.c\n+++ b/fs/x.c\n@@ -1,2 +1,2 @@\n-int v1;\n+int a;\n int v2;\n")
    reason = texts_of(file, tree_of(repository), {}).reason
    assert reason is not None
    assert "larger than 4 MB" in reason


def test_the_work_tree_is_never_read(repository: Path) -> None:
    file = diff_of(repository, "old", "next~1")
    (repository / "fs/x.c").unlink()
    (repository / "fs/x.c").symlink_to("/etc/passwd")
    assert texts_of(file, tree_of(repository), {}).old == OLD


def test_a_hostile_configuration_runs_nothing(repository: Path) -> None:
    mark = repository / "ran"
    file = diff_of(repository, "old", "next~1")
    for key in ("core.fsmonitor", "diff.x.textconv", "filter.x.smudge", "core.sshCommand"):
        git(repository, "config", key, f"touch {mark}")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "remote.origin.url", f"ext::touch {mark}")
    (repository / ".git/info/attributes").write_text("*.c diff=x filter=x\n")
    assert texts_of(file, tree_of(repository), {}).context is Context.BLOB
    missing = file_of(
        "diff --git a/q.c b/q.c\nindex 123456789abc..23456789abcd 100644\n--- a/q.c\n+++ b/q.c\n"
        "@@ -1 +1 @@\n-a\n+b\n"
    )
    assert texts_of(missing, tree_of(repository), {}).context is Context.HUNKS
    assert not mark.exists()


def test_crlf_and_latin1_files_keep_their_lines(repository: Path) -> None:
    (repository / "w.c").write_bytes(b"/* \xe9 */\r\nint a;\r\nint b;\r\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "w")
    file = file_of("--- a/w.c\n+++ b/w.c\n@@ -2,2 +2,2 @@\n int a;\r\n-int b;\r\n+int c;\r\n")
    texts = texts_of(file, tree_of(repository), {})
    assert texts.new == "/* \u00e9 */\nint a;\nint c;\n"


def test_a_file_with_an_unread_hunk_is_not_called_whole(repository: Path) -> None:
    diff = git(repository, "diff", "old", "next").replace(" int v24;", "int v24;")
    file = parse(diff, "mail").files[0]
    assert not file.complete
    texts = texts_of(file, tree_of(repository), {})
    assert (texts.context, texts.reason) == (
        Context.HUNKS,
        "a hunk of the mail could not be read",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\nb\nc\n", "a\nB\nc\n"),
        ("a\nb\nc\n", "b\nc\n"),
        ("a\nb\nc\n", "a\nb\nc\nd\n"),
        ("a\nb\nc", "a\nb\nc\n"),
        ("a\nb\nc\n", "a\nb\nc"),
        ("a\nb", "a\nb\nc"),
        ("a\n", ""),
        ("", "a\nb\n"),
        (OLD, NEW),
        (NEW, OLD),
    ],
)
@pytest.mark.parametrize("context", ["-U0", "-U1", "-U3"])
def test_patches_apply_and_revert_as_with_git(
    repository: Path, old: str, new: str, context: str
) -> None:
    commit(repository, {"t.c": old})
    commit(repository, {"t.c": new})
    file = diff_of(repository, context, "HEAD~1", "HEAD")
    assert apply(old, file) == new
    assert revert(new, file) == old
    assert apply(old + "extra", file) != new
    assert apply("x\n" + old, file) is None or not file.hunks[0].rows[0].old


def test_only_a_complete_new_file_is_taken_from_the_mail() -> None:
    file = file_of("--- /dev/null\n+++ b/x.c\n@@ -0,0 +5,2 @@\n+a\n+b\n")
    assert only_side(file, "+") is None


def test_blob_ids_are_those_of_git(repository: Path) -> None:
    assert blob_id(OLD) == git(repository, "hash-object", "--stdin", text=OLD).strip()
