"""Declarative rules about what follows a match, and about the context of a function."""

from __future__ import annotations

import pytest

from reviewer.c.source import Source
from reviewer.c.structs import NO_STRUCTS
from reviewer.c.units import units_of_text
from reviewer.declarative import read_rule
from reviewer.errors import RuleError
from reviewer.model import Side

_HEAD = """
title = "demo"
severity = "error"
confidence = "likely"
since = "0.1"
explanation = "Because."
"""


def source(text: str) -> Source:
    units = units_of_text(text, range(1, 100))
    return Source("drivers/demo/box.c", Side.NEW, units, NO_STRUCTS, whole=True)


def said(rule: str, *statements: str) -> list[tuple[int, str]]:
    """Line in the body, from 1, and message of each finding; of the last function."""
    header = "int f(struct box *b)\n{\n"
    text = header + "".join(f"\t{line}\n" for line in statements) + "}\n"
    found = read_rule(_HEAD + rule, "demo.toml").check(source(text))
    return [(each.span.line - 2, each.message) for each in found]


_USE = """
match = "put_box($P)"
message = "$USE in $FUNCTION() after put_box($P)"
after = { use = "P", note = "the reference to $P is dropped here" }
"""


def test_a_use_after_the_match_is_found_where_it_is() -> None:
    rule = _USE
    assert said(rule, "put_box(p);", "x = 1;", "y = p->next;") == [
        (3, "p->next in f() after put_box(p)")
    ]
    assert said(rule, "put_box(p);", "send(p, 1);") == [(2, "send(p, 1) in f() after put_box(p)")]
    assert said(rule, "put_box(p);", "return p;") == []
    assert said(rule, "x = p->next;", "put_box(p);") == []
    assert said(rule, "put_box(p);", "p = next();", "y = p->next;") == []
    assert said(rule, "put_box(p);", "if (p == q)", "\treturn &p;") == []


def test_the_match_is_the_evidence_of_what_follows() -> None:
    text = "int f(struct box *b)\n{\n\tput_box(b);\n\treturn b->x;\n}\n"
    (found,) = read_rule(_HEAD + _USE, "demo.toml").check(source(text))
    (evidence,) = found.evidence
    assert (evidence.span.line, evidence.note) == (3, "the reference to b is dropped here")


def test_until_ends_a_path() -> None:
    rule = _USE.replace("note", 'until = ["get_box($P)", "$P->x = $_"], note')
    assert said(rule, "put_box(p);", "get_box(p);", "y = p->next;") == []
    assert said(rule, "put_box(p);", "get_box(q);", "y = p->next;") != []
    assert said(rule, "put_box(p);", "if (x)", "\tget_box(p);", "y = p->next;") != []


def test_then_is_a_pattern_with_the_variables_of_the_match() -> None:
    rule = """
match = "list_del_rcu(&$P->$M)"
message = "kfree($P) does not wait"
after = { then = "kfree($P)", until = "synchronize_rcu()", note = "unlinked here" }
"""
    assert said(rule, "list_del_rcu(&p->node);", "kfree(p);") == [(2, "kfree(p) does not wait")]
    assert said(rule, "list_del_rcu(&p->node);", "kfree(q);") == []
    assert said(rule, "list_del_rcu(&p->node);", "synchronize_rcu();", "kfree(p);") == []


_MISSING = """
match = "get_box($P)"
message = "$EXIT keeps the reference to $P"
after = { missing = ["put_box($P)", "list_add(&$P->node, ...)"], note = "taken here" }
"""


def test_a_way_out_that_misses_the_release_is_found() -> None:
    assert said(
        _MISSING, "get_box(p);", "if (x)", "\treturn -EIO;", "put_box(p);", "return 0;"
    ) == [(3, "return -EIO keeps the reference to p")]
    assert said(_MISSING, "get_box(p);", "list_add(&p->node, &b->list);", "return 0;") == []
    assert said(_MISSING, "get_box(p);") == [
        (2, "the end of the function keeps the reference to p")
    ]


def test_the_way_out_on_failure_is_left_out() -> None:
    rule = _MISSING.replace("note", 'success = "zero", note')
    failing = ("err = get_box(p);", "if (err)", "\treturn err;")
    assert said(rule, *failing, "put_box(p);", "return 0;") == []
    assert said(rule, *failing, "return 0;") == [(4, "return 0 keeps the reference to p")]


def test_a_result_that_is_followed_unchecked_is_found() -> None:
    rule = """
match = "$P = alloc_box(...)"
message = "$USE: $P may be NULL"
after = { unchecked = "P", note = "allocated here" }
"""
    assert said(rule, "p = alloc_box(1);", "p->x = 1;") == [(2, "p->x: p may be NULL")]
    assert said(rule, "p = alloc_box(1);", "if (!p)", "\treturn 1;", "p->x = 1;") == []
    assert said(rule, "p = alloc_box(1);", "if (IS_ERR(p))", "\treturn 1;", "p->x = 1;") == []
    assert said(rule, "p = alloc_box(1);", "if (p && p->x)", "\treturn 1;") == []
    assert said(rule, "p = alloc_box(1);", "send(p);") == []


_CONTEXT = """
match = "sleep_box(...)"
message = "$FUNCTION() runs $CONTEXT"
when = { context = ["atomic"] }
"""


def handler(setup: str, rule: str) -> list[str]:
    text = (
        "static void work(struct box *b)\n{\n\tsleep_box(b);\n}\n"
        f"void setup(struct box *b)\n{{\n\t{setup}\n}}\n"
    )
    return [each.message for each in read_rule(_HEAD + rule, "demo.toml").check(source(text))]


def test_the_context_that_a_function_is_registered_for_is_asked() -> None:
    assert handler("timer_setup(&b->t, work, 0);", _CONTEXT) == ["work() runs in softirq"]
    assert handler("INIT_WORK(&b->w, work);", _CONTEXT) == []
    assert handler("use(b);", _CONTEXT) == []
    silent = _CONTEXT.replace("when", "unless").replace(" runs $CONTEXT", "")
    assert handler("timer_setup(&b->t, work, 0);", silent) == []
    assert handler("use(b);", silent) == ["work()"]


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (_USE.replace('use = "P"', 'use = "Q"'), "after.use: 'Q' is not bound"),
        (_USE.replace('use = "P", ', ""), "after: none of them; wanted one of use"),
        (_USE.replace("use =", 'then = "f($P)", use ='), "after: `use` and `then`; wanted one"),
        (_USE.replace(', note = "the reference to $P is dropped here"', ""), "after.note: missing"),
        (_USE.replace("note", "notes"), "after.notes: unknown key; the nearest is 'note'"),
        (_USE.replace("note", "until = 'if ($P) return 1;', note"), "after.until: 'if ($P)"),
        (_USE.replace("note", "success = 'one', note"), "after.success: 'one' is none"),
        (_USE.replace("$USE in", "$EXIT in"), "message: $EXIT is not bound"),
        (_USE.replace("to $P is", "to $Q is"), "after.note: $Q is not bound"),
        (_CONTEXT.replace("atomic", "irq"), "when.context: 'irq' is no context"),
        (_CONTEXT.replace("when", "unless"), "message: $CONTEXT is not bound"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_place(rule: str, what: str) -> None:
    with pytest.raises(RuleError) as error:
        read_rule(_HEAD + rule, "demo.toml")
    assert str(error.value).startswith(f"demo.toml: {what}")


_RESULT = """
match = "find_box($K)"
message = "$USED without a reference"
after = { follow = "RESULT", note = "found here" }
"""


def test_the_result_of_a_call_is_followed_at_once_or_by_way_of_a_variable() -> None:
    assert said(_RESULT, "return find_box(1)->x;") == [
        (1, "find_box(1)->x is read without a reference")
    ]
    assert said(_RESULT, "p = find_box(1);", "if (!p)", "\treturn 0;", "p->x = 1;") == [
        (4, "p->x is written without a reference")
    ]
    assert said(_RESULT, "struct box *p = find_box(1);", "return p->x;") == [
        (2, "p->x is read without a reference")
    ]


def test_a_result_that_is_compared_passed_or_used_as_an_index_is_not_followed() -> None:
    assert said(_RESULT, "return find_box(1) == b;") == []
    assert said(_RESULT, "p = find_box(1);", "send(p);", "x = p == b;") == []
    assert said(_RESULT, "return table[find_box(1)];", "x = &find_box(1)->list;") == []


def test_a_use_is_told_as_a_clause() -> None:
    rule = _USE.replace("$USE in", "$USED in")
    assert said(rule, "put_box(p);", "y = p->next;") == [
        (2, "p->next is read in f() after put_box(p)")
    ]
    assert said(rule, "put_box(p);", "send(1, p);") == [
        (2, "p goes to send() in f() after put_box(p)")
    ]


def test_what_only_looks_at_the_pointer_is_no_use() -> None:
    for line in ('pr_debug("%p", p);', "n = sizeof(*p);", "WRITE_ONCE(b->last, p);"):
        assert said(_USE, "put_box(p);", line) == []


def test_a_field_that_holds_the_pointer_is_watched_as_a_variable_is() -> None:
    assert said(_USE, "put_box(b->p);", "y = b->p->next;") == [
        (2, "b->p->next in f() after put_box(b->p)")
    ]
    assert said(_USE, "put_box(b->p);", "send(b->p);") == [
        (2, "send(b->p) in f() after put_box(b->p)")
    ]
    assert said(_USE, "put_box(b->p);", "b->p = 0;", "send(b->p);") == []


def test_several_matches_that_lead_to_one_use_are_one_finding() -> None:
    code = ("if (x)", "\tput_box(p);", "else", "\tput_box(p);", "send(p);")
    assert said(_USE, *code) == [(5, "send(p) in f() after put_box(p)")]
