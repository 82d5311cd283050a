"""Rules that go wrong in every way: each is contained and named, and the others still speak."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

import pytest

from reviewer import engine
from reviewer.run import Request, review
from reviewer.sources import origins
from tests.own_rules import code, data, of, own, patch, said, write
from tests.widget import isolate

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.run import Result


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path)


def run(root: Path) -> Result:
    """Review a patch with the rules of a user's directory, and those alone."""
    loaded = of(root)
    rules = tuple(each.rule for each in loaded.known if ":" in each.rule.id)
    return review(Request((str(patch(root)),), rules=rules, use_tree=False, cwd=root))


def found(result: Result) -> list[str]:
    return [each.rule for each in result.review.annotations]


def problems(result: Result) -> list[str]:
    return [f"{each.where}: {each.what}" for each in result.review.problems]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("raise KeyError('oops')", "failed with KeyError: 'oops'"),
        ("raise SystemExit(3)", "failed with RuntimeError: called sys.exit(3)"),
        ("import sys; sys.setrecursionlimit(200); check(source).send(check)", "failed with"),
        ("yield 'text'", "TypeError: gave a str; wanted a Finding"),
        ("yield Finding('x', 'm')", "whose span is a str; wanted Span"),
        ("yield Finding(source.touched[0].calls[0].span, None)", "message is a NoneType"),
        (
            "from reviewer.model import Span\n"
            "    yield Finding(Span('/etc/passwd', 1, 1, source.side, ''), 'm')",
            "a finding in /etc/passwd, which it was not asked about",
        ),
        ("while True: yield Finding(source.touched[0].calls[0].span, 'm')", "more than 1000"),
        ("kept = [bytes(1 << 27) for _ in range(64)]", "wanted more than 512 MB of memory"),
        ("kept = 'x' * (1 << 40)", "wanted more than 512 MB of memory"),
    ],
)
def test_a_check_that_goes_wrong_costs_only_its_own_findings(
    tmp_path: Path, body: str, named: str
) -> None:
    write(tmp_path, "demo/bad.py", code(body=body))
    write(tmp_path, "demo/good.py", code("give"))
    write(tmp_path, "demo/plain.toml", data())
    before = resource.getrlimit(resource.RLIMIT_AS)
    result = run(tmp_path)
    assert found(result) == ["mine:demo/plain", "mine:demo/good"]
    assert any("rule mine:demo/bad on drivers/demo.c" in p and named in p for p in problems(result))
    assert resource.getrlimit(resource.RLIMIT_AS) == before


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try: len('')\n        except Exception: pass",
        "import re; re.match('(a+)+$', 'a' * 60 + '!')",
    ],
)
def test_a_check_that_never_ends_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    monkeypatch.setattr(engine, "RULE_SECONDS", 0.2)
    write(tmp_path, "demo/bad.py", code(body=body))
    write(tmp_path, "demo/good.py", code("give"))
    began = time.monotonic()
    result = run(tmp_path)
    assert time.monotonic() - began < 10
    assert found(result) == ["mine:demo/good"]
    assert any("mine:demo/bad" in p and "stopped after 0.2 s" in p for p in problems(result))


def test_what_a_rule_prints_does_not_spoil_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "demo/noisy.py", code(body="print('debug')") + "\nprint('loaded')\n")
    assert found(run(tmp_path)) == ["mine:demo/noisy"]
    out, err = capsys.readouterr()
    assert (out, err.split()[:2]) == ("", ["loaded", "debug"])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (code() + "\nraise ValueError('broken')\n", "cannot be loaded: ValueError: broken"),
        (code() + "\nraise SystemExit(3)\n", "cannot be loaded: SystemExit: 3"),
        (code() + "\nwhile True: pass\n", "did not load within 0.3 s"),
        (code() + "\nkept = 'x' * (1 << 40)\n", "cannot be loaded: MemoryError"),
        (code() + "\ndef f(): f()\nf()\n", "cannot be loaded: RecursionError"),
        ("x = " + "(" * 5000 + ")" * 5000, "cannot be loaded: "),
        ("x = 1\0", "cannot be loaded: "),
    ],
)
def test_a_python_rule_that_does_not_load_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, named: str
) -> None:
    monkeypatch.setattr(origins, "LOAD_SECONDS", 0.3)
    path = write(tmp_path, "demo/bad.py", text)
    write(tmp_path, "demo/good.toml", data())
    loaded = of(tmp_path)
    assert own(loaded) == ["mine:demo/good"]
    (problem,) = said(loaded)
    assert problem.startswith(f"rule {path}: {named}")


MANY = ", ".join(f"$V{number}" for number in range(50))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (data() + "#" * (1 << 20), "characters; a rule has at most 65536"),
        (data() + "x = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
        (data().replace("take($A);", "(" * 3000 + "$A" + ")" * 3000), "match: "),
        (data().replace("take($A);", "f(" * 3000 + "$A" + ")" * 3000), "match: "),
        (data().replace("title", "tittle"), "tittle: unknown key; the nearest is 'title'"),
        (data().replace('"note"', "3"), "severity: "),
        ("\0", "not TOML"),
        ("", "match: missing"),
    ],
)
def test_a_declarative_rule_that_does_not_load_is_named_with_its_key(
    tmp_path: Path, text: str, named: str
) -> None:
    path = write(tmp_path, "demo/bad.toml", text)
    write(tmp_path, "demo/good.toml", data())
    loaded = of(tmp_path)
    assert own(loaded) == ["mine:demo/good"]
    (problem,) = said(loaded)
    assert problem.startswith(f"rule {path}: ")
    assert named in problem


def test_a_pattern_with_fifty_metavariables_is_matched_or_refused_in_time(tmp_path: Path) -> None:
    text = data().replace("take($A);", f"take({MANY});").replace("$A", "$V49")
    write(tmp_path, "demo/wide.toml", text)
    began = time.monotonic()
    run(tmp_path)
    assert time.monotonic() - began < 5


def test_control_characters_of_a_rule_never_reach_a_message(tmp_path: Path) -> None:
    text = data().replace("keep what", "keep \\u001b[31m\\r\\u0007what")
    write(tmp_path, "demo/colour.toml", text)
    (annotation,) = run(tmp_path).review.annotations
    assert annotation.finding.message.isprintable()


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "demo/bad.toml", "")
    path.write_bytes(b"\xff\xfe")
    (problem,) = said(of(tmp_path))
    assert problem.startswith(f"rule {path}: cannot be read")
