"""A small kernel module with its history: a series to send, and a place that mail arrives at."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.command import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATH = "drivers/shelf/core.c"
BASE = """\
#include <linux/idr.h>

struct shelf {
	spinlock_t lock;
	struct idr books;
	unsigned int lent;
};

struct book *shelf_find(struct shelf *shelf, int id)
{
	struct book *book;

	rcu_read_lock();
	book = book_get(idr_find(&shelf->books, id));
	rcu_read_unlock();

	return book;
}

int shelf_add(struct shelf *shelf, struct book *book)
{
	int id;

	spin_lock(&shelf->lock);
	id = idr_alloc(&shelf->books, book, 1, 0, GFP_ATOMIC);
	spin_unlock(&shelf->lock);

	return id;
}
"""
COUNT = """
unsigned int shelf_lent(struct shelf *shelf)
{
	return READ_ONCE(shelf->lent);
}
"""
SWAP = """
void shelf_clear(struct shelf *shelf)
{
	struct idr old;

	idr_init(&old);
	spin_lock(&shelf->lock);
	swap(shelf->books, old);
	spin_unlock(&shelf->lock);
	idr_destroy(&old);
}
"""
SWAP_LINE = 42
"""Of the file after the second patch: the swap()."""
MENDED = """
void shelf_clear(struct shelf *shelf)
{
	struct book *book;
	int id;

	spin_lock(&shelf->lock);
	idr_for_each_entry(&shelf->books, book, id)
		book_retire(book);
	spin_unlock(&shelf->lock);
}
"""
SIZE = """
unsigned int shelf_size(void)
{
	return sizeof(struct shelf);
}
"""
BAD, GOOD = (COUNT, SWAP, SIZE), (COUNT, MENDED, SIZE)


def environment(home: Path, **variables: str) -> dict[str, str]:
    """A user without settings, who is somebody, and whose `reviewer` is the one under test."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "EMAIL", "XDG_")) and name not in ("COLUMNS", "LINES")
    }
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Ada Byron"), ("EMAIL", "ada@shelf.example"))
    }
    own = {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
    }
    return {**kept, **who, **own, **variables}


def run(cwd: Path, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as that user, whose home is beside `cwd`."""
    home = cwd.parent / "home"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env=environment(home, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def git(cwd: Path, *arguments: str | Path) -> str:
    """Run git, which must succeed; gives what it prints."""
    done = run(cwd, "git", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.rstrip("\n")


def repository(directory: Path, patches: tuple[str, ...] = BAD) -> Path:
    """A repository with the module, and on top of it a commit that appends each of `patches`."""
    tree = directory / "tree"
    tree.mkdir(parents=True)
    git(tree, "init", "-q", "-b", "main")
    for name, value in (("name", "Ada Byron"), ("email", "ada@shelf.example")):
        git(tree, "config", f"user.{name}", value)
    file = tree / PATH
    file.parent.mkdir(parents=True)
    commit(tree, BASE, "shelf: keep books")
    git(tree, "tag", "base")
    text = BASE
    for number, patch in enumerate(patches, start=1):
        text += patch
        commit(tree, text, f"shelf: step {number}")
    return tree


def commit(tree: Path, text: str, subject: str) -> None:
    """Commit a text of the module."""
    (tree / PATH).write_text(text)
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-s", "-m", f"{subject}\n\nBooks are to be kept.")


def series(tree: Path, *options: str, directory: str = "out") -> list[Path]:
    """The files of the series that git format-patch writes."""
    files = git(tree, "format-patch", "-q", "-o", directory, *options, "base").splitlines()
    found = files or sorted(str(path) for path in (tree / directory).iterdir())
    return [tree / file for file in found]


@dataclass
class Sink:
    """What arrived, each mail as its bytes."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)

    def subjects(self) -> list[str]:
        """The subjects of the mails, in order."""
        lines = (line for mail in self.mails for line in mail.split(b"\r\n"))
        return [line.decode() for line in lines if line.startswith(b"Subject: ")]


@contextmanager
def sink() -> Iterator[Sink]:
    """An SMTP server on the loopback interface, as long as the block runs."""
    found = Sink()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(_serve(found), loop).result(10)
    try:
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(_finish(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _serve(found: Sink) -> asyncio.Server:
    server = await asyncio.start_server(
        lambda reader, writer: _converse(found, reader, writer), "127.0.0.1", 0
    )
    found.port = server.sockets[0].getsockname()[1]
    return server


async def _finish(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _converse(
    found: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """As much of RFC 5321 as a client needs to hand a mail over."""

    async def say(line: str) -> None:
        writer.write(f"{line}\r\n".encode())
        await writer.drain()

    await say("220 sink ESMTP")
    while verb := (await reader.readline()).split()[:1]:
        match verb[0].upper():
            case b"DATA":
                await say("354 go on")
                found.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                await say("250 taken")
            case b"QUIT":
                await say("221 bye")
                break
            case _:
                await say("250 sink")
    writer.close()
    await writer.wait_closed()
