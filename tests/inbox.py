"""A real public-inbox over HTTP, filled with mails of a test, and servers that misbehave."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email import message_from_bytes
from email.utils import parseaddr, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PROGRAMS = ("public-inbox-init", "public-inbox-index", "public-inbox-httpd", "git")
_SECONDS_TO_COME_UP = 20.0
_LONGEST_LIFE = "600"  # seconds, should the tests be killed


def missing_programs() -> list[str]:
    """Those of PROGRAMS that are not installed; Debian's package is public-inbox."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextlib.contextmanager
def public_inbox(directory: Path, name: str, mails: Sequence[bytes]) -> Iterator[str]:
    """Serve `mails` as the list `name`; gives the origin, as in http://127.0.0.1:40123."""
    environment = _isolated(directory)
    inbox = directory / name
    _import(inbox / "git" / "0.git", mails)
    # The address is part of what is stored, and nothing looks at it.
    arguments = ["-V2", "-L", "full", name, str(inbox), f"http://localhost/{name}", f"{name}@x"]
    _run(["public-inbox-init", *arguments], environment)
    _run(["public-inbox-index", "-L", "full", "-j", "1", str(inbox)], environment)
    with _httpd(directory, name, environment) as origin:
        yield origin


def _isolated(directory: Path) -> dict[str, str]:
    """An environment in which public-inbox finds and writes only what is in `directory`."""
    own = {"HOME": "home", "PI_DIR": "pi", "PI_CONFIG": "pi/config", "XDG_CACHE_HOME": "cache"}
    for part in ("home", "pi", "cache"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {key: str(directory / path) for key, path in own.items()}


def _run(command: list[str], environment: dict[str, str], given: bytes = b"") -> None:
    subprocess.run(
        command, input=given, env=environment, check=True, capture_output=True, timeout=120
    )


def _import(repository: Path, mails: Sequence[bytes]) -> None:
    """Write mails as public-inbox's v2 format has them: a commit each, the mail in the file m."""
    environment = _isolated(repository.parents[2])
    _run(["git", "init", "-q", "--bare", str(repository)], environment)
    stream = [b"reset refs/heads/master\n"]
    for raw in mails:
        header = message_from_bytes(raw)
        name, address = parseaddr(str(header["From"]))
        when = int(parsedate_to_datetime(str(header["Date"])).timestamp())
        who = f"{name or address} <{address}> {when} +0000".encode()
        subject = str(header["Subject"]).encode()
        stream += [
            b"commit refs/heads/master\nauthor " + who + b"\ncommitter " + who + b"\n",
            b"data %d\n%s\n" % (len(subject), subject),
            b"M 100644 inline m\ndata %d\n%s\n" % (len(raw), raw),
        ]
    command = ["git", f"--git-dir={repository}", "fast-import", "--quiet"]
    _run(command, environment, b"".join(stream))


@contextlib.contextmanager
def _httpd(directory: Path, name: str, environment: dict[str, str]) -> Iterator[str]:
    for _attempt in range(3):  # another process may take the port before the server does
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        logs = [f"--stdout={directory}/out.log", f"--stderr={directory}/err.log"]
        server = subprocess.Popen(
            # -W0: without it the pid is that of a master whose worker lives on.
            ["timeout", _LONGEST_LIFE, "public-inbox-httpd", "-W0", "-l", origin, *logs],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if _comes_up(server, f"{origin}/{name}/"):
                yield origin
                return
        finally:
            server.terminate()
            server.wait(timeout=20)
    raise RuntimeError(f"public-inbox-httpd did not come up, see {directory}/err.log")


def _comes_up(server: subprocess.Popen[bytes], url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + _SECONDS_TO_COME_UP
    while time.monotonic() < end and server.poll() is None:
        try:
            with direct.open(url, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    return False


def free_port() -> int:
    """A port of the loopback interface on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Answer:
    """What a server says: `length` other than the body's is a lie about what will come."""

    status: int = 200
    body: bytes = b""
    length: int | None = None


@dataclass(frozen=True)
class Server:
    """A server under the test's control, and the paths it was asked for."""

    origin: str
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def answering(answer: Callable[[str], Answer]) -> Iterator[Server]:
    """A web server whose answer to each path (with its query) is that of the function."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = answer(self.path)
            self.send_response(told.status)
            length = len(told.body) if told.length is None else told.length
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(told.body)

        do_GET = do_POST = do_HEAD = _answer

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield Server(f"http://127.0.0.1:{server.server_port}", asked)
        finally:
            server.shutdown()
            thread.join()


def mbox_gz(mails: Sequence[bytes]) -> bytes:
    """The mails as archives give a thread: a compressed mboxrd."""
    lines = [b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw + b"\n" for raw in mails]
    return gzip.compress(b"".join(lines), mtime=0)


def mail(
    message_id: str,
    subject: str,
    body: str = "text\n",
    *,
    day: int = 1,
    author: str = "Ada Byron <ada@example.org>",
    parent: str | None = None,
) -> bytes:
    """A mail of a day of March 2024; `parent` is the message-id that it answers."""
    lines = [
        f"From: {author}",
        "To: widget@lists.example.org",
        f"Subject: {subject}",
        f"Date: Fri, {day:02} Mar 2024 10:00:{len(message_id) % 60:02} +0000",
        f"Message-ID: <{message_id}>",
    ]
    if parent:
        lines += [f"In-Reply-To: <{parent}>", f"References: <{parent}>"]
    return ("\n".join(lines) + "\n\n" + body).encode()


def diff_body(row: str) -> str:
    """The body of a patch mail that adds `row` to a function."""
    return (
        "Say why.\n\nSigned-off-by: Ada Byron <ada@example.org>\n---\n core.c | 1 +\n"
        "\ndiff --git a/drivers/widget/core.c b/drivers/widget/core.c\n"
        "index 1111111111..2222222222 100644\n--- a/drivers/widget/core.c\n"
        "+++ b/drivers/widget/core.c\n@@ -10,3 +10,4 @@ static int widget_open(void)\n"
        f" {{\n \tint err = 0;\n+\t{row}\n \treturn err;\n-- \n2.43.0\n"
    )
