"""The engine: rules on both sides of a patch, what they may cost, what a series knows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reviewer import engine
from reviewer.c.structs import NO_STRUCTS
from reviewer.diff.blobs import texts_of
from reviewer.diff.patch import parse
from reviewer.engine import PatchResult, review_patch, touched_lines
from reviewer.mail.message import read
from reviewer.mail.thread import group
from reviewer.model import Confidence, Context, Finding, Severity, Side, Status
from reviewer.rule import Need, Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pytest

    from reviewer.c.source import Source
    from reviewer.c.structs import Structs

DIFF = """\
diff --git a/demo.c b/demo.c
--- a/demo.c
+++ b/demo.c
@@ -1,7 +1,7 @@
 int demo(struct demo *d)
 {
-\told_call(d);
+\tnew_call(d);
 \tboth_call(d);
 \treturn 0;
 }
 int after;
"""
HEADER = """\
diff --git a/demo.h b/demo.h
--- a/demo.h
+++ b/demo.h
@@ -1,3 +1,4 @@
 struct demo {
 \tint a;
+\tstruct peer __rcu *peer;
 };
"""


def rule(check: Callable[[Source], Iterable[Finding]], **values: object) -> Rule:
    made = Rule("a title", Severity.WARNING, Confidence.LIKELY, "0.1", check, id="test/rule")
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


def calls_named(*names: str) -> Rule:
    def check(source: Source) -> Iterable[Finding]:
        for function in source.touched:
            for call in function.calls:
                if call.name in names:
                    yield Finding(call.span, f"{call.name} is called", function.name)

    return rule(check)


def review(diff: str, *rules: Rule, known: Structs = NO_STRUCTS) -> PatchResult:
    mail = read(f"Subject: [PATCH] demo\nMessage-ID: <1@x>\n\nText.\n---\n{diff}".encode())
    patch = group([mail]).revisions[0].patches[0]
    files = parse(patch.diff, "<1@x>").files
    return review_patch(patch, files, rules, lambda file: texts_of(file, None, {}), known)


def found(result: PatchResult) -> list[tuple[str, int, Side, Status]]:
    return [
        (each.finding.message, each.finding.span.line, each.finding.span.side, each.status)
        for each in result.review.annotations
    ]


def test_what_the_patch_adds_removes_and_leaves_is_told_apart() -> None:
    assert found(review(DIFF, calls_named("old_call", "new_call", "both_call"))) == [
        ("old_call is called", 3, Side.OLD, Status.FIXED),
        ("new_call is called", 3, Side.NEW, Status.INTRODUCED),
        ("both_call is called", 4, Side.NEW, Status.PREEXISTING),
    ]


def test_a_rule_that_raises_is_named_and_costs_only_its_own_findings() -> None:
    def broken(_source: Source) -> Iterable[Finding]:
        raise KeyError("oops")

    result = review(DIFF, rule(broken), calls_named("new_call"))
    assert [each[0] for each in found(result)] == ["new_call is called"]
    assert {(each.where, each.what) for each in result.problems} == {
        ("rule test/rule on demo.c", "failed with KeyError: 'oops'")
    }


def test_a_rule_that_never_ends_is_stopped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RULE_SECONDS", 0.1)

    def endless(_source: Source) -> Iterable[Finding]:
        while True:
            pass

    began = time.monotonic()
    result = review(DIFF, rule(endless), calls_named("new_call"))
    assert time.monotonic() - began < 2
    assert [each[0] for each in found(result)] == ["new_call is called"]
    assert "stopped after 0.1 s" in result.problems[0].what


def test_a_rule_runs_only_where_one_of_its_words_occurs() -> None:
    ran: list[Side] = []

    def check(source: Source) -> Iterable[Finding]:
        ran.append(source.side)
        return ()

    review(DIFF, rule(check, triggers=frozenset({"new_call"})))
    assert ran == [Side.NEW]


def test_a_rule_that_needs_the_whole_file_is_silent_on_hunks() -> None:
    assert not found(review(DIFF, rule(calls_named("new_call").check, needs=Need.FILE)))


def test_a_new_file_is_whole_without_any_tree() -> None:
    head = "diff --git a/n.c b/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/n.c\n"
    new = f"{head}@@ -0,0 +1,4 @@\n+int demo(void)\n+{{\n+\treturn new_call();\n+}}\n"
    result = review(new, rule(calls_named("new_call").check, needs=Need.FILE))
    assert result.review.files[0].context is Context.BLOB
    assert found(result) == [("new_call is called", 3, Side.NEW, Status.INTRODUCED)]


def test_structs_of_a_header_are_known_to_the_files_of_the_series() -> None:
    declared = review(HEADER).structs.field("demo", "peer")
    assert declared is not None
    assert declared.type.rcu

    later = review(DIFF, known=review(HEADER).structs)
    assert later.structs.field("demo", "peer") == declared


def test_files_that_are_no_c_are_listed_and_not_read() -> None:
    result = review(DIFF.replace("demo.c", "demo.rst"), calls_named("new_call"))
    (file,) = result.review.files
    assert (file.context, file.reason, file.functions) == (Context.NONE, "not C", 0)


def test_a_removed_line_touches_the_function_around_it() -> None:
    (file,) = parse(DIFF, "x").files
    assert touched_lines(file, Side.NEW) == {2, 3}
    assert touched_lines(file, Side.OLD) == {3, 4}
