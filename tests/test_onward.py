"""What runs next for sure, and what can only be reached over a statement."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reviewer.c.onward import follows, gotos, onward, statement_of, target_of
from tests.written import function

if TYPE_CHECKING:
    from tree_sitter import Node

    from reviewer.c.function import Function


def _body(statements: str) -> str:
    inner = "".join(f"\t{line}\n" for line in statements.splitlines())
    return f"int f(struct box *x)\n{{\n{inner}}}\n"


def _named(text: str, name: str) -> tuple[Function, Node]:
    found = function(text)
    return found, next(call.node for call in found.calls if call.name == name)


def _onward(text: str, name: str) -> list[str]:
    found, node = _named(text, name)
    return [found.text(each) for each in onward(found, statement_of(node))]


def test_statements_run_one_after_the_other() -> None:
    assert _onward(_body("a();\nb();\nc();\n"), "a") == ["b();", "c();"]


def test_a_goto_leads_to_its_label() -> None:
    text = _body("if (x) {\na();\ngoto out;\n}\nb();\nout:\nc();\nreturn 0;\n")
    assert _onward(text, "a") == ["goto out;", "c();", "return 0;"]


def test_after_a_branch_comes_what_stands_behind_it() -> None:
    assert _onward(_body("if (x) {\na();\n}\nb();\n"), "a") == ["b();"]
    assert _onward(_body("if (x)\na();\nelse\nz();\nb();\n"), "a") == ["b();"]


def test_the_end_of_a_loop_ends_it() -> None:
    assert _onward(_body("while (x) {\na();\nb();\n}\nc();\n"), "a") == ["b();"]
    assert _onward(_body("for (;;) {\na();\nbreak;\n}\nc();\n"), "a") == ["break;"]


def test_a_backward_goto_does_not_go_round_for_ever() -> None:
    text = _body("again:\na();\ngoto again;\n")
    assert _onward(text, "a") == ["goto again;", "a();"]


def test_what_stands_behind_in_the_same_block_follows() -> None:
    text = _body("a();\nif (x) {\nb();\nreturn 0;\n}\nc();\n")
    found = function(text)
    a, b, c = (call.node for call in found.calls)
    assert follows(a, b)
    assert follows(a, c)
    assert not follows(b, c)
    assert not follows(c, a)


def test_the_target_of_a_goto_is_its_labeled_statement() -> None:
    found = function(_body("goto out;\nout:\na();\n"))
    (jump,) = gotos(found)
    target = target_of(found, jump)
    assert target is not None
    assert found.text(target).startswith("out:")
    missing = function(_body("goto nowhere;\n"))
    assert target_of(missing, next(gotos(missing))) is None


def test_deep_and_long_code_costs_little() -> None:
    started = time.process_time()
    text = _body("if (x) {\n" * 400 + "a();\n" + "}\n" * 400)
    found, node = _named(text, "a")
    assert list(onward(found, statement_of(node))) == []
    long = function(_body("a();\n" * 5000))
    first = statement_of(long.calls[0].node)
    assert len(list(onward(long, first))) == 200
    assert time.process_time() - started < 2
