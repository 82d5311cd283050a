"""Why an archive did not give what was asked, in one line.

Told by the exceptions of liblore, requests, urllib3, gzip and zlib. Known by name and
attributes: importing their modules to compare types would cost more than the whole review.
"""

from __future__ import annotations

import re

_UNRESOLVED = re.compile(
    r"NameResolutionError|Failed to resolve|Name or service not known|name resolution"
    r"|nodename nor servname|No address associated"
)
_CAUSES = (
    (_UNRESOLVED, "its name does not resolve; is there a network?"),
    (re.compile(r"Connection refused"), "connection refused"),
    (re.compile(r"CERTIFICATE_VERIFY_FAILED"), "its certificate is not valid"),
    (re.compile(r"unreachable|No route to host"), "no route to it; is there a network?"),
    (re.compile(r"timed out|Timeout"), "no answer in time; try again later"),
    (re.compile(r"reset by peer|Connection aborted|closed connection"), "it closed the connection"),
)
_CUT_OFF = frozenset({"EOFError", "ChunkedEncodingError", "IncompleteRead", "ProtocolError"})
_DEEPEST = 12


def explain(error: BaseException, host: str, what: str) -> str:
    """One line that names the host, what was asked of it, and why there is no answer."""
    chain = _chain(error)
    names = {type(link).__name__ for link in chain}
    status = next((code for link in chain if (code := _status(link)) is not None), None)
    if type(error).__name__ in ("FetchError", "TargetError"):
        return str(error)
    if isinstance(error, SystemExit):
        return f"{host}: b4 gave up on {what} (exit status {error.code})"
    if status is not None:
        return _by_status(status, host, what)
    if names & _CUT_OFF or _is_damaged(chain):
        return f"{host}: the transfer of {what} was cut off; nothing of it was used, try again"
    if "BadGzipFile" in names:
        return (
            f"{host}: answered {what} with something else than a compressed mbox (a web page?); "
            "it is no public-inbox archive, or does not let programs in"
        )
    return f"{host}: {what}: {_by_text(chain)}"


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and what caused it, the outermost first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < _DEEPEST:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


def _status(error: BaseException) -> int | None:
    code = getattr(error, "status_code", None)
    return code if isinstance(code, int) else None


def _by_status(status: int, host: str, what: str) -> str:
    if status in (404, 410):
        return f"{host}: has no message {what}"
    if status == 429:
        return f"{host}: too many requests (429) when asked for {what}; try again later"
    if status >= 500:
        return f"{host}: server error {status} when asked for {what}; try again later"
    return f"{host}: refused to give {what} (HTTP status {status})"


def _is_damaged(chain: list[BaseException]) -> bool:
    """A gzip stream that began well: zlib, the checksum or the length found it broken."""
    return any(
        (type(link).__module__ == "zlib" and type(link).__name__ == "error")
        or re.search(r"CRC check failed|Incorrect length", str(link)) is not None
        for link in chain
        if type(link).__name__ in ("error", "BadGzipFile")
    )


def _by_text(chain: list[BaseException]) -> str:
    text = " ".join(f"{type(link).__name__}: {link}" for link in chain)
    for pattern, cause in _CAUSES:
        if pattern.search(text):
            return f"cannot be asked: {cause}"
    first = chain[0]
    lines = str(first).split("\n")
    return f"{type(first).__name__}: {lines[0][:200]}" if lines[0] else type(first).__name__
