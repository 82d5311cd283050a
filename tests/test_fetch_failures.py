"""What a user is told when an archive does not give the thread, or not all of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from reviewer.errors import FetchError
from reviewer.mail.fetch import fetch
from tests.inbox import (
    Answer,
    answering,
    free_port,
    mail,
    mbox_gz,
)
from tests.widget import IOCTL, LINUS, V2, V2_THREAD, V3, ids, isolate, set_global

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(404), r"has no message <v2-1@a>"),
        (Answer(500), r"server error 500 when asked for <v2-1@a>"),
        (Answer(503), r"server error 503"),
        (Answer(429), r"too many requests"),
        (Answer(403), r"refused to give <v2-1@a> \(HTTP status 403\)"),
        (Answer(200, b"<html>log in</html>"), r"no public-inbox archive"),
        (Answer(200, b""), r"has no mail in it"),
        (Answer(200, mbox_gz(V2)[:-40]), r"was cut off; nothing of it was used"),
        (Answer(200, mbox_gz(V2)[:-200], len(mbox_gz(V2))), r"was cut off"),
        (Answer(200, mbox_gz(V2)[:-8] + b"\0" * 8), r"was cut off"),
        (Answer(200, mbox_gz(V2)[:60] + b"\xff" * 99), r"was cut off"),
    ],
)
def test_each_failure_of_a_server_has_its_own_line(answer: Answer, said: str) -> None:
    with answering(lambda _path: answer) as server:
        host = server.origin.removeprefix("http://")
        with pytest.raises(FetchError, match=rf"^{host}: .*{said}") as caught:
            fetch(f"{server.origin}/w/v2-1@a")
    assert "\n" not in str(caught.value)


def test_a_host_on_which_nothing_listens_is_named() -> None:
    port = free_port()
    with pytest.raises(FetchError, match=rf"^127\.0\.0\.1:{port}: .*connection refused"):
        fetch(f"http://127.0.0.1:{port}/w/v2-1@a")


def test_a_server_that_does_not_answer_in_time_is_given_up(tmp_path: Path) -> None:
    import threading

    done = threading.Event()

    def slow(_path: str) -> Answer:
        done.wait(10)
        return Answer(200)

    with answering(slow) as server:
        set_global(tmp_path, f"liblore.{server.origin}.requesttimeout", "0.2")
        try:
            with pytest.raises(FetchError, match="no answer in time"):
                fetch(f"{server.origin}/w/v2-1@a")
        finally:
            done.set()


def test_a_thread_is_given_although_the_search_for_revisions_fails() -> None:
    with answering(lambda path: Answer(503) if "?" in path else Answer(200, mbox_gz(V2))) as server:
        found = fetch(f"{server.origin}/w/v2-1@a")
    assert set(ids(found)) == V2_THREAD
    (problem,) = found.problems
    assert "other revisions were not searched" in problem.what
    assert "503" in problem.what


def test_a_revision_that_cannot_be_fetched_is_a_problem_not_an_error() -> None:
    def answer(path: str) -> Answer:
        if "?" in path:
            return Answer(200, mbox_gz(V3))
        return Answer(200, mbox_gz(V2)) if "/v2-1" in path else Answer(500)

    with answering(answer) as server:
        found = fetch(f"{server.origin}/w/v2-1@a")
    assert set(ids(found)) == V2_THREAD
    assert all("v3 is missing" in problem.what for problem in found.problems)
    assert found.problems


def test_a_program_end_inside_b4_is_an_error_of_the_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    import b4

    monkeypatch.setattr(b4, "get_strict_thread", lambda *_args: sys.exit(128))
    with (
        answering(lambda _path: Answer(200, mbox_gz(V2))) as server,
        pytest.raises(FetchError, match=r"b4 gave up .*128"),
    ):
        fetch(f"{server.origin}/w/v2-1@a")


def test_mails_that_share_only_a_subject_are_not_part_of_the_thread() -> None:
    stranger = mail("other@z", "Re: [PATCH 1/2] " + IOCTL, "Old.\n", day=2, author=LINUS)
    with answering(lambda _path: Answer(200, mbox_gz([*V2, stranger]))) as server:
        assert set(ids(fetch(f"{server.origin}/w/v2-1@a", revisions=False))) == V2_THREAD


def test_a_mail_that_two_lists_carried_comes_once() -> None:
    copy = b"List-Id: <widget.lists.example.org>\n" + V2[0]
    with answering(lambda _path: Answer(200, mbox_gz([*V2, copy]))) as server:
        assert sorted(ids(fetch(f"{server.origin}/w/v2-1@a", revisions=False))) == sorted(V2_THREAD)


def test_a_users_broken_settings_are_an_error_that_says_so(tmp_path: Path) -> None:
    set_global(tmp_path, "b4.midmask", "nonsense")
    with pytest.raises(FetchError, match="v2-1@a"):
        fetch("v2-1@a")
