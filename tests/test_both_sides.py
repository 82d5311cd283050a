"""A rule that compares: it sees what the patch took away, and all it says is the patch's doing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reviewer.c.callees import function_named
from reviewer.c.clauses import clause_of, clauses_on, code_of
from reviewer.c.structs import NO_STRUCTS
from reviewer.diff.blobs import texts_of
from reviewer.diff.patch import parse
from reviewer.engine import review_patch
from reviewer.mail.thread import Origin, Patch
from reviewer.model import Confidence, Finding, Severity, Side, Status
from reviewer.rule import Rule
from tests.written import body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reviewer.c.source import Source

DIFF = """\
diff --git a/demo.c b/demo.c
--- a/demo.c
+++ b/demo.c
@@ -1,6 +1,5 @@
 int demo(struct demo *d)
 {
-\tdemo_wait(d);
 \tdemo_free(d);
 \treturn 0;
 }
"""
NEW_FILE = (
    "diff --git a/n.c b/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/n.c\n"
    "@@ -0,0 +1,4 @@\n+int demo(void)\n+{\n+\treturn demo_wait();\n+}\n"
)


def no_longer_waits(source: Source) -> Iterable[Finding]:
    assert source.before is not None
    for function in source.touched:
        old = function_named(source.before, function.name or "")
        for call in old.calls if old is not None else ():
            if call.name == "demo_wait" and "demo_wait" not in function.unit.text:
                for left in function.calls:
                    yield Finding(left.span, "no longer waits", function.name)


def reviewed(diff: str, check: Callable[[Source], Iterable[Finding]]) -> list[tuple[str, Status]]:
    rule = Rule(
        "a title",
        Severity.WARNING,
        Confidence.LIKELY,
        "0.1",
        check,
        triggers=frozenset({"demo_wait"}),
        compares=True,
        id="test/rule",
    )
    patch = Patch("", "a subject", "", None, 1, 1, Origin.MAIL, "", diff, 1)
    files = parse(diff, "x").files
    result = review_patch(patch, files, (rule,), lambda f: texts_of(f, None, {}), NO_STRUCTS)
    assert not result.problems
    return [(each.finding.span.code.strip(), each.status) for each in result.review.annotations]


def test_it_runs_where_only_the_old_text_has_its_word() -> None:
    assert reviewed(DIFF, no_longer_waits) == [("demo_free(d);", Status.INTRODUCED)]


def test_a_patch_the_other_way_round_is_not_said_to_fix_anything() -> None:
    other = DIFF.replace("-\tdemo_wait", "+\tdemo_wait").replace("-1,6 +1,5", "-1,5 +1,6")
    assert reviewed(other, no_longer_waits) == []


def test_it_runs_once_and_on_the_new_side() -> None:
    ran: list[tuple[Side, Side]] = []

    def check(source: Source) -> Iterable[Finding]:
        assert source.before is not None
        assert source.before.before is None
        ran.append((source.side, source.before.side))
        return ()

    reviewed(DIFF, check)
    assert ran == [(Side.NEW, Side.OLD)]


def test_before_a_new_file_there_was_nothing() -> None:
    def check(source: Source) -> Iterable[Finding]:
        assert source.before is not None
        assert not source.before.units
        return ()

    assert reviewed(NEW_FILE, check) == []


def test_equal_lines_are_one_clause_whatever_their_layout() -> None:
    first = body("lim = READ(limit,", "\t1);", "if (!x->y)", "\treturn;", "else", "\tgo();")
    second = body("lim = READ(limit, 1); /* why */", "if ( ! x->y )", "\tgo();")
    one, other = (clauses_on(each, range(40)) for each in (first, second))
    assert set(one) & set(other) == {"lim=READ(limit,1);", "(!x->y)", "go();"}


def test_a_clause_is_the_statement_around_an_expression() -> None:
    found = body("while (next(d))", "\tlim = read(d->limit);")
    clauses = [node for call in found.calls if (node := clause_of(call.node)) is not None]
    assert [code_of(found, node) for node in clauses] == [
        "(next(d))",
        "lim=read(d->limit);",
    ]
