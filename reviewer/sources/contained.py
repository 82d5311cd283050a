"""Bounds around the rules of users, so that one that goes wrong costs nothing but itself.

What is bounded: memory (an address space limit while the rule runs, on Linux), the number of
findings, what a finding is made of, `sys.exit()`, and standard output, which is the report's. Time
is bounded by `reviewer.budget`. What cannot be bounded within one process: code that leaves the
process with `os._exit()`, or that stays inside one call of a C function. A Python rule may do
whatever its user may do; that is why such files are trusted one by one (`reviewer.trust`).
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from reviewer.model import Confidence, Evidence, Finding, Fix, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reviewer.c.source import Source
    from reviewer.rule import Check, Rule

MEGABYTES = 512
"""Memory that one rule may take beyond what the process has."""

MOST_FINDINGS = 1000
"""Findings of one rule in one side of one file."""


def contained(rule: Rule) -> Rule:
    """The same rule; its check raises an Exception that says what is wrong, or gives findings."""
    return replace(rule, check=_bounded(rule.check))


def _bounded(check: Check) -> Check:
    def run(source: Source) -> list[Finding]:
        with bounds():
            found = list(islice(check(source), MOST_FINDINGS + 1))
        if len(found) > MOST_FINDINGS:
            raise ValueError(f"more than {MOST_FINDINGS} findings in one file")
        for finding in found:
            _check(finding, source)
        return found

    return run


@contextlib.contextmanager
def bounds() -> Iterator[None]:
    """Run the block with bounded memory, its output on standard error.

    MemoryError says how much was allowed; SystemExit becomes a RuntimeError.
    """
    try:
        with _memory_limit(MEGABYTES), contextlib.redirect_stdout(sys.stderr):
            yield
    except MemoryError:
        raise MemoryError(f"wanted more than {MEGABYTES} MB of memory") from None
    except SystemExit as error:
        raise RuntimeError(f"called sys.exit({error.code!r})") from None


@contextlib.contextmanager
def _memory_limit(megabytes: int) -> Iterator[None]:
    """Bound the address space of the process; where that cannot be done, bound nothing."""
    used = _address_space()
    if used is None:
        yield
        return
    import resource

    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = used + (megabytes << 20)
    if before != resource.RLIM_INFINITY:
        wanted = min(wanted, before)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))


def _address_space() -> int | None:
    """Bytes of it that the process has; None where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def _check(finding: object, source: Source) -> None:
    """Refuse what the engine and the reports could not work with."""
    if not isinstance(finding, Finding):
        raise TypeError(f"gave a {type(finding).__name__}; wanted a Finding")
    _check_span(finding.span, "span")
    if (finding.span.path, finding.span.side) != (source.path, source.side):
        raise ValueError(f"gave a finding in {finding.span.path}, which it was not asked about")
    _wanted(finding.message, (str,), "message")
    _wanted(finding.function, (str, type(None)), "function")
    _wanted(finding.severity, (Severity, type(None)), "severity")
    _wanted(finding.confidence, (Confidence, type(None)), "confidence")
    _wanted(finding.fix, (Fix, type(None)), "fix")
    _wanted(finding.evidence, (tuple,), "evidence")
    for each in finding.evidence:
        _wanted(each, (Evidence,), "evidence")
        _check_span(each.span, "evidence.span")
        _wanted(each.note, (str,), "evidence.note")


def _check_span(span: object, name: str) -> None:
    _wanted(span, (Span,), name)
    assert isinstance(span, Span)
    _wanted(span.line, (int,), f"{name}.line")
    _wanted(span.code, (str,), f"{name}.code")


def _wanted(value: object, types: tuple[type, ...], name: str) -> None:
    if not isinstance(value, types):
        names = " or ".join("None" if each is type(None) else each.__name__ for each in types)
        raise TypeError(f"gave a finding whose {name} is a {type(value).__name__}; wanted {names}")
