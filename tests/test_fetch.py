"""Fetching threads from a real public-inbox, with the settings of a user, and with signatures."""

from __future__ import annotations

import argparse
import email.charset
import importlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reviewer.errors import FetchError
from reviewer.mail.fetch import fetch
from reviewer.mail.message import read
from tests.inbox import (
    Answer,
    answering,
    free_port,
    mbox_gz,
    missing_programs,
    public_inbox,
)
from tests.widget import (
    ALONE,
    OTHERS,
    SIGNED,
    V2,
    V2_THREAD,
    V3,
    V3_THREAD,
    ids,
    isolate,
    set_global,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


needs_inbox = pytest.mark.skipif(
    bool(missing_programs()), reason=f"not installed: {', '.join(missing_programs())}"
)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a public-inbox with the list `widget`."""
    directory = tmp_path_factory.mktemp("inbox")
    with public_inbox(directory, "widget", [*V2, *V3, *OTHERS, *ALONE]) as origin:
        yield origin


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


# A real archive


@needs_inbox
def test_a_message_id_is_asked_where_the_users_midmask_says(inbox: str, tmp_path: Path) -> None:
    set_global(tmp_path, "b4.midmask", f"{inbox}/widget/%s")
    found = fetch("<v2-1@a>", revisions=False)
    assert set(ids(found)) == V2_THREAD
    assert found.problems == ()


@needs_inbox
def test_a_newer_revision_comes_along_although_its_cover_was_renamed(inbox: str) -> None:
    found = fetch(f"{inbox}/widget/v2-1@a/")
    assert set(ids(found)) == V2_THREAD | V3_THREAD
    assert ids(found)[:4] == ["v2-0@a", "v2-1@a", "v2-2@a", "re-1@b"]


@needs_inbox
def test_an_older_revision_comes_along_from_a_url_of_another_page(inbox: str) -> None:
    found = fetch(f"{inbox}/widget/v3-0%40a/T/#u")
    assert set(ids(found)) == V2_THREAD | V3_THREAD


@needs_inbox
def test_all_versions_of_a_lone_patch_come_along(inbox: str) -> None:
    assert set(ids(fetch(f"{inbox}/widget/one-2@a"))) == {"one-1@a", "one-2@a", "one-3@a"}


@needs_inbox
def test_a_reply_names_its_thread_as_well_as_the_patch_does(inbox: str) -> None:
    assert set(ids(fetch(f"{inbox}/widget/re-1@b/"))) == V2_THREAD | V3_THREAD


@needs_inbox
def test_the_list_is_found_when_only_the_host_is_known(inbox: str) -> None:
    assert set(ids(fetch(f"{inbox}/v2-1@a/"))) == V2_THREAD | V3_THREAD


@needs_inbox
def test_no_other_revisions_when_none_are_wanted(inbox: str) -> None:
    assert set(ids(fetch(f"{inbox}/widget/v2-1@a/", revisions=False))) == V2_THREAD


@needs_inbox
def test_a_line_that_the_mbox_escaped_is_as_it_was_sent(inbox: str) -> None:
    found = fetch(f"{inbox}/widget/v2-1@a/", revisions=False)
    assert any(b"\nFrom here on it is." in mail.raw for mail in found.mails)


@needs_inbox
def test_an_unknown_id_is_named_with_the_host_that_does_not_have_it(inbox: str) -> None:
    host = inbox.removeprefix("http://")
    with pytest.raises(FetchError, match=rf"^{host}: has no message <nosuch@a>$"):
        fetch(f"{inbox}/widget/nosuch@a/")


@needs_inbox
def test_revisions_are_found_although_b4s_search_ends_the_program(
    inbox: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import b4.mbox

    def gives_up(*_args: object, **_kwargs: object) -> None:
        print("goodbye")
        sys.exit(1)

    monkeypatch.setattr(b4.mbox, "get_extra_series", gives_up)
    assert set(ids(fetch(f"{inbox}/widget/v2-1@a/"))) == V2_THREAD | V3_THREAD


@needs_inbox
def test_the_wait_is_told_and_nothing_is_printed(
    inbox: str, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    fetch(f"{inbox}/widget/v2-1@a/", progress=told.append)
    host = inbox.removeprefix("http://")
    assert told[0] == f"asking {host} for v2-1@a"
    assert "fetching v3" in told
    assert capfd.readouterr() == ("", "")


# Settings and the process


def test_a_config_file_in_the_tree_does_not_decide_which_host_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import b4

    tree = tmp_path / "tree"
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    monkeypatch.chdir(tree)
    with answering(lambda _path: Answer(200, mbox_gz(V2))) as evil:
        (tree / ".b4-config").write_text(f"[b4]\n\tmidmask = {evil.origin}/all/%s\n")
        b4.setup_config(argparse.Namespace(config={}))
        assert str(b4.get_main_config()["midmask"]).startswith(evil.origin), "b4 believes it"
        with pytest.raises(FetchError, match=r"^lore\.kernel\.org: "):
            fetch("v2-1@a")
        assert evil.asked == []


def test_the_config_of_the_users_own_repository_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    monkeypatch.chdir(tree)
    with answering(lambda _path: Answer(200, mbox_gz(V2))) as server:
        mask = f"{server.origin}/widget/%s"
        subprocess.run(["git", "config", "b4.midmask", mask], check=True)
        assert set(ids(fetch("v2-1@a", revisions=False))) == V2_THREAD


def test_without_git_the_url_still_works_and_the_missing_settings_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with answering(lambda _path: Answer(200, mbox_gz(V2))) as server:
        found = fetch(f"{server.origin}/widget/v2-1@a", revisions=False)
    assert set(ids(found)) == V2_THREAD
    assert [problem.where for problem in found.problems] == ["git"]


def test_a_cache_that_cannot_be_written_does_not_stop_the_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with answering(lambda _path: Answer(200, mbox_gz(V2))) as server:
        assert set(ids(fetch(f"{server.origin}/w/v2-1@a", revisions=False))) == V2_THREAD


def test_the_cache_spares_a_second_request_unless_told_otherwise() -> None:
    with answering(lambda _path: Answer(200, mbox_gz(V2))) as server:
        for nocache, asked in ((False, 1), (False, 1), (True, 2)):
            fetch(f"{server.origin}/w/v2-1@a", revisions=False, nocache=nocache)
            assert len(server.asked) == asked


def test_the_charsets_of_the_process_are_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "b4"]:
        monkeypatch.delitem(sys.modules, name)
    before = dict(email.charset.CHARSETS)
    with pytest.raises(FetchError):
        fetch(f"http://127.0.0.1:{free_port()}/w/v2-1@a")
    assert before == email.charset.CHARSETS


def test_b4_is_not_imported_before_something_is_fetched() -> None:
    code = (
        "import sys, reviewer.targets, reviewer.mail.fetch\n"
        "heavy = {'b4', 'liblore', 'requests', 'email', 'dkim'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": path})


# Signatures


def test_the_patches_of_a_thread_carry_what_is_known_of_their_signatures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.import_module("dkim"), "get_txt", lambda _name, timeout: None)
    thread = [V2[0], SIGNED + V2[1], V2[2], V2[3]]
    with answering(lambda _path: Answer(200, mbox_gz(thread))) as server:
        found = fetch(f"{server.origin}/w/v2-1@a", revisions=False)
    lines = {read(mail.raw).message_id: mail.attestation for mail in found.mails}
    assert lines == {
        "v2-0@a": None,
        "v2-1@a": "DKIM/example.org: not checked (DNS gave no key)",
        "v2-2@a": None,
        "re-1@b": None,
    }
