"""Threads from a public-inbox archive, through b4. The only module that opens a socket.

b4 is imported when something is fetched, never before: it costs 0.4 s. Its settings apply
(`b4.midmask`, mirrors, cache), with one exception: those in a `.b4-config` that travels with a
checked-out tree, since a tree must not decide which host is asked.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from reviewer.commits import git_directory
from reviewer.errors import FetchError, ReviewerError
from reviewer.mail.archives import attest, related
from reviewer.mail.archives.archive import Place, RawMail, Retrieved, locate
from reviewer.mail.archives.refusal import explain
from reviewer.mail.message import read
from reviewer.model import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from liblore import LoreNode

    from reviewer.mail.archives.related import Posting
    from reviewer.mail.message import Message

# A thread a revision: more revisions than any series that was still being reviewed.
_MOST_THREADS = 12
_MOST_MAILS = 5000
_MOST_ATTESTED = 100
_DNS_SECONDS = 3


@dataclass(frozen=True, slots=True)
class _Archive:
    node: LoreNode
    host: str
    nocache: bool
    preference: list[str]  # list-ids, the one whose copy of a mail is kept first


def fetch(
    target: str,
    *,
    revisions: bool = True,
    nocache: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Retrieved:
    """The thread of a message-id or URL, with other revisions of its series.

    `progress` is told in a few words what is being waited for. Raises FetchError when the
    thread cannot be had whole, TargetError when the target means no message. What is missing
    besides the thread itself is a problem of the result, not an error.
    """
    tell = progress or (lambda _text: None)
    place = locate(target)
    with _opened(place, nocache) as (archive, problems):
        tell(f"asking {archive.host} for {place.message_id}")
        mails = _thread(archive, place.message_id)
        if revisions:
            more, missing = _revisions(archive, place.message_id, mails, tell)
            mails |= more
            problems += missing
        tell("checking signatures")
        lines = _attestations(mails)
    taken = tuple(RawMail(raw, lines.get(name)) for name, raw in mails.items())
    return Retrieved(taken, tuple(problems))


@contextlib.contextmanager
def _opened(place: Place, nocache: bool) -> Iterator[tuple[_Archive, list[Problem]]]:
    """Set b4 up for one fetch; whatever it raises or prints ends here."""
    host = urlsplit(place.base).netloc.rpartition("@")[2] if place.base else "the archive"
    node: LoreNode | None = None
    try:
        _import_b4()
        problems = _configure(place)
        node = _node()
        if base := _list_of(node, place.message_id):
            _point_at(base)
            node = _node()
        host = urlsplit(node.url).netloc.rpartition("@")[2]
        yield _Archive(node, host, nocache, _preference()), problems
    except ReviewerError:
        raise
    except (Exception, SystemExit) as error:
        raise FetchError(explain(error, host, f"<{place.message_id}>")) from error
    finally:
        if node is not None:
            node.close()


def _import_b4() -> None:
    """Import b4 without its effects on the process: charset table, warnings on stderr."""
    import logging
    from email import charset

    kept = dict(charset.CHARSETS)
    try:
        importlib.import_module("b4.mbox")
    finally:
        charset.CHARSETS.clear()
        charset.CHARSETS.update(kept)
    logger = logging.getLogger("b4")  # liblore's logger is a child of this one
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def _configure(place: Place) -> list[Problem]:
    """Let b4 read the user's settings, and point it at the archive of the URL, if one was given.

    b4 takes masks and commands from `.b4-config` in what it is told is the top of the work
    tree. Told the git directory instead, it still reads the same git config, and there no
    checkout can put a file.
    """
    import argparse
    import copy

    import b4

    try:
        topdir = git_directory(Path.cwd())
    except FileNotFoundError:
        b4.MAIN_CONFIG = copy.deepcopy(b4.DEFAULT_CONFIG)
        b4.MAIN_CONFIG["gpgbin"] = "gpg"
        b4.USER_CONFIG = {}
        problems = [Problem("git", "not in PATH: b4's settings could not be read")]
    else:
        b4.setup_config(argparse.Namespace(config={}), topdir=topdir)
        problems = []
    if place.base is not None and not _covers(str(b4.MAIN_CONFIG["midmask"]), place.base):
        _point_at(place.base)
    return problems


def _point_at(base: str) -> None:
    import b4

    b4.MAIN_CONFIG["midmask"] = f"{base}/%s"


def _list_of(node: LoreNode, message_id: str) -> str | None:
    """The list that has the message, where only the host is known; None when nothing is to do.

    A thread is found without this, but a search needs to know where; liblore guesses `/all`,
    which most archives do not have.
    """
    import b4

    origin = str(b4.MAIN_CONFIG["midmask"]).removesuffix("%s").rstrip("/")
    if urlsplit(origin).path:
        return None
    page = node.request("HEAD", f"{origin}/{quote(message_id, safe='')}/", allow_redirects=False)
    path = urlsplit(page.headers.get("Location", "")).path.rstrip("/").rpartition("/")[0]
    return f"{origin}{path}" if path else None


def _covers(mask: str, base: str) -> bool:
    """Whether the user's own archive has all lists of the host that the URL names."""
    own, other = urlsplit(mask), urlsplit(base)
    return own.netloc == other.netloc and own.path.rstrip("/") == "/all/%s"


def _preference() -> list[str]:
    import b4

    chosen = b4.get_main_config().get("listid-preference") or "*"
    return chosen.split(",") if isinstance(chosen, str) else chosen


def _node() -> LoreNode:
    """b4's own node; where its cache cannot be used, the same without a cache."""
    import b4
    import liblore

    b4.LORENODE = None  # else the archive of an earlier fetch would be asked
    try:
        cache = Path(b4.get_cache_dir(), "lore")
        cache.mkdir(exist_ok=True)
        if os.access(cache, os.R_OK | os.W_OK | os.X_OK):
            return b4.get_lore_node()
    except OSError:
        pass
    base = str(b4.MAIN_CONFIG["midmask"]).replace("/%s", "").rstrip("/")
    if urlsplit(base).path in ("", "/"):
        base += "/all"
    b4.LORENODE = liblore.LoreNode.from_git_config(base, cache_dir=None)
    b4.LORENODE.set_user_agent("b4", b4.__VERSION__)
    return b4.LORENODE


def _thread(archive: _Archive, message_id: str) -> dict[str, bytes]:
    """The mails of the thread by message-id, each once, as raw bytes.

    The archive's notion of a thread is wide (it also joins mails by subject), b4's is strict.
    """
    import b4
    import liblore.utils

    data = archive.node.get_mbox_by_msgid(message_id, nocache=archive.nocache)
    raws = liblore.utils.split_and_dedupe_as_bytes(data, archive.preference)
    parsed = [(liblore.utils.parse_message(raw), raw) for raw in raws]
    mails = {liblore.utils.get_clean_msgid(mail) or "": raw for mail, raw in parsed}
    mails.pop("", None)
    if not mails:
        raise FetchError(f"{archive.host}: the thread of <{message_id}> has no mail in it")
    strict = b4.get_strict_thread([mail for mail, _ in parsed], message_id) or []
    wanted = {liblore.utils.get_clean_msgid(mail) for mail in strict}
    return {name: raw for name, raw in mails.items() if name in wanted} or mails


def _revisions(
    archive: _Archive, message_id: str, mails: dict[str, bytes], tell: Callable[[str], None]
) -> tuple[dict[str, bytes], list[Problem]]:
    """The threads of other revisions, and why some could not be had."""
    ours = related.series_of(message_id, related.postings(_read_all(mails.values())))
    if not ours:
        return {}, []
    problems: list[Problem] = []
    tell(f"looking for other revisions on {archive.host}")
    try:
        others = _search(archive, ours, list(mails.values()))
    except (Exception, SystemExit) as error:
        why = explain(error, archive.host, "the search for other revisions")
        return {}, [Problem(f"<{message_id}>", f"other revisions were not searched: {why}")]
    more: dict[str, bytes] = {}
    threads = 0
    for other in others:
        if other.message_id in more:
            continue
        if threads == _MOST_THREADS or len(mails) + len(more) > _MOST_MAILS:
            problems.append(Problem(f"<{message_id}>", "more revisions were found than are read"))
            break
        threads += 1
        tell(f"fetching v{other.version}")
        try:
            more |= _thread(archive, other.message_id)
        except (Exception, SystemExit) as error:
            why = explain(error, archive.host, f"<{other.message_id}>")
            problems.append(Problem(f"<{message_id}>", f"v{other.version} is missing: {why}"))
    return {name: raw for name, raw in more.items() if name not in mails}, problems


def _search(archive: _Archive, ours: list[Posting], raws: list[bytes]) -> list[Posting]:
    """Other revisions of the series `ours`, as b4 finds them, else by its patches' own titles.

    b4 looks for the title of the cover letter, which is the one that authors change.
    """
    versions = {posting.version for posting in ours}
    older = [version for version in range(1, max(versions)) if version not in versions]
    found = _by_b4(archive, raws, 1, None)
    complete = bool(found)
    if older:
        earlier = _by_b4(archive, raws, -1, older[-_MOST_THREADS:])
        complete = complete and bool(earlier)
        found += earlier
    if not complete:
        found += _by_titles(archive, ours)
    return related.other_revisions(ours, related.postings(found))


def _by_b4(
    archive: _Archive, raws: list[bytes], direction: int, versions: list[int] | None
) -> list[Message]:
    """What b4's own search adds to the mails: newer (direction 1) or older (-1) revisions."""
    import b4.mbox
    import liblore.utils

    mails = [liblore.utils.parse_message(raw) for raw in raws]
    known = set(map(id, mails))
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            b4.mbox.get_extra_series(mails, direction, versions, nocache=archive.nocache)
        return _read_all(mail.as_bytes() for mail in mails if id(mail) not in known)
    except (Exception, SystemExit):
        return []  # the search by titles asks the same server, and says what is wrong with it


def _by_titles(archive: _Archive, ours: list[Posting]) -> list[Message]:
    import liblore
    import liblore.utils

    text = related.query(ours)
    if text is None:
        return []
    try:
        data = archive.node.get_mbox_by_query(text, full_threads=True, nocache=archive.nocache)
    except liblore.RemoteError as error:
        if error.status_code == 404:  # how public-inbox says that it found nothing
            return []
        raise
    return _read_all(liblore.utils.split_and_dedupe_as_bytes(data, archive.preference))


def _read_all(raws: Iterable[bytes]) -> list[Message]:
    return [read(raw) for raw in raws]


def _attestations(mails: Mapping[str, bytes]) -> dict[str, str]:
    """What b4 says about the signatures of the patches, by message-id."""
    import b4

    if b4.get_main_config().get("attestation-policy") == "off":
        return {}
    get_txt = importlib.import_module("dkim").get_txt
    has_key = attest.key_finder(lambda name: get_txt(name, timeout=_DNS_SECONDS))
    lines: dict[str, str] = {}
    for posting in related.postings(_read_all(mails.values()))[:_MOST_ATTESTED]:
        raw = mails.get(posting.message_id)
        line = None if raw is None or posting.cover else _attestation(raw, has_key)
        if line:
            lines[posting.message_id] = line
    return lines


def _attestation(raw: bytes, has_key: Callable[[str], bool]) -> str | None:
    import b4
    import liblore.utils

    config = b4.get_main_config()
    wanted = config.get("attestation-check-dkim")
    found = attest.signatures(raw) if wanted == "yes" else {}
    silent = attest.without_key(found, has_key)
    try:
        if len(silent) == len(found):
            config["attestation-check-dkim"] = "no"
        with contextlib.redirect_stdout(io.StringIO()):
            mail = b4.LoreMessage(liblore.utils.parse_message(raw))
            days = int(str(config.get("attestation-staleness-days")))
            statuses = mail.get_attestation_status(str(config.get("attestation-policy")), days)[0]
    except (Exception, SystemExit):
        statuses = []  # no signature could be judged: nothing is said about them
    finally:
        config["attestation-check-dkim"] = wanted
    return attest.line(statuses, silent)
