"""What a rule in data can ask besides locks and paths: its surroundings, and what is beside it."""

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
_VISIT = 'match = "visit($A)"\n'


def source(text: str) -> Source:
    units = units_of_text(text, range(1, 1000))
    return Source("drivers/demo/box.c", Side.NEW, units, NO_STRUCTS, whole=True)


def function(name: str, *lines: str, parameter: str = "struct box *b") -> str:
    body = "".join(f"\t{line}\n" for line in lines)
    return f"static int {name}({parameter})\n{{\n{body}}}\n\n"


def said(rule: str, code: str) -> list[str]:
    """The messages; without one in the rule the function and what `$A` stands for."""
    message = "" if "message" in rule else 'message = "$FUNCTION: $A"\n'
    return [
        each.message for each in read_rule(_HEAD + message + rule, "demo.toml").check(source(code))
    ]


def test_setup_is_said_by_the_name_of_the_function() -> None:
    code = function("demo_probe", "visit(a);") + function("demo_run", "visit(b);")
    code += function("demo_free_all", "visit(c);")
    assert said(_VISIT + "unless.setup = true", code) == ["demo_run: b"]
    assert said(_VISIT + "when.setup = true", code) == ["demo_probe: a", "demo_free_all: c"]


def test_the_type_of_a_parameter_says_what_the_function_is_for() -> None:
    code = function("a", "visit(a);", parameter="struct rcu_head *head, int x")
    code += function("b", "visit(b);")
    assert said(_VISIT + 'unless.parameter = "struct rcu_head"', code) == ["b: b"]
    assert said(_VISIT + 'when.parameter = ["struct rcu_*"]', code) == ["a: a"]


def test_a_comment_that_explains_it_keeps_the_rule_silent() -> None:
    code = (
        function("above", "/*", " * Pairs with the one in run().", " */", "visit(a);")
        + function("beside", "visit(b); /* Pairs with run(). */")
        + function("other", "/* Never mind. */", "visit(c);")
        + function("far", "/* Pairs with run(). */", "x();", "x();", "x();", "visit(d);")
    )
    assert said(_VISIT + 'unless.comment = "*Pairs*"', code) == ["other: c", "far: d"]
    assert said(_VISIT + 'unless.comment = "*"', code) == ["far: d"]
    assert said(_VISIT + 'when.comment = "*Never*"', code) == ["other: c"]


@pytest.mark.parametrize(
    "code",
    [
        "if (visit(a))\n\t\treturn 1;",
        "x = !visit(a);",
        "while (x && (visit(a)))\n\t\tstep();",
        "x = visit(a) == NULL ? 1 : 2;",
        "return visit(a) ? 1 : 2;",
        "if (unlikely(visit(a)))\n\t\treturn 1;",
    ],
)
def test_a_value_that_is_only_tested(code: str) -> None:
    assert said(_VISIT + "when.tested = true", function("f", code)) == ["f: a"]
    assert said(_VISIT + "unless.tested = true", function("f", code)) == []


@pytest.mark.parametrize("code", ["x = visit(a);", "visit(a);", "if (visit(a)->x)\n\t\treturn 1;"])
def test_a_value_that_is_used_for_more_than_a_test(code: str) -> None:
    assert said(_VISIT + "when.tested = true", function("f", code)) == []


def test_calls_can_be_asked_with_the_variables_of_the_match() -> None:
    code = function("own", "hold(a, 1);", "visit(a);") + function(
        "other", "hold(b, 1);", "visit(c);"
    )
    assert said(_VISIT + 'unless.calls = ["hold($A, ...)", "never"]', code) == ["other: c"]
    rule = read_rule(
        _HEAD + _VISIT + 'message = "$A"\nwhen.calls = ["never", "hold($A, $_)"]', "demo.toml"
    )
    (found,) = rule.check(source(code))
    assert (found.message, [each.span.line for each in found.evidence]) == ("a", [3])


def test_the_message_can_name_the_function_that_is_called_and_the_one_that_goes_with_it() -> None:
    rule = """
match = ["visit($A)", "enter($A)"]
other = { visit = "leave", enter = "exit" }
message = "$CALL() without $OTHER()"
"""
    code = function("f", "visit(a);", "enter(b);")
    assert said(rule, code) == ["visit() without leave()", "enter() without exit()"]


def test_once_tells_the_first_place_of_each_function() -> None:
    rule = 'match = ["enter($A)", "visit($A)"]\nonce = true'
    code = function("f", "visit(a);", "enter(b);") + function("g", "enter(c);", "enter(d);")
    assert said(rule, code) == ["f: a", "g: c"]


def test_contains_looks_into_the_expression() -> None:
    rule = 'match = "store($V, $A)"\nwhere.A.contains = ["load($V)", "peek($V, ...)"]'
    code = function(
        "f",
        "store(v, load(v) + 1);",
        "store(v, load(w));",
        "store(v, max(1, peek(v, 3)));",
        "load(v);",
    )
    assert said(rule, code) == ["f: load(v) + 1", "f: max(1, peek(v, 3))"]


def test_variable_is_a_name_that_the_function_declares() -> None:
    code = function(
        "f", "struct box *p;", "visit(p);", "visit(b);", "visit(b->x);", "visit(peers);"
    )
    assert said(_VISIT + "where.A.variable = true", code) == ["f: p", "f: b"]
    assert said(_VISIT + "where.A.variable = false", code) == ["f: b->x", "f: peers"]


_TWICE = """
match = "load($A)->$F"
beside = { match = ["load($A)", "peek($A)"], before = true, note = "$A is looked at here" }
message = "$A is looked at by $BESIDE before"
"""


def test_what_stands_before_it_is_evidence() -> None:
    code = function("f", "if (!peek(b->p))", "\treturn 0;", "return load(b->p)->x;")
    rule = read_rule(_HEAD + _TWICE, "demo.toml")
    (found,) = rule.check(source(code))
    assert found.message == "b->p is looked at by peek() before"
    assert [(each.span.line, each.note) for each in found.evidence] == [
        (3, "b->p is looked at here")
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ("return load(b->p)->x;",),
        ("x = load(b->p)->x;", "return peek(b->p);"),
        ("if (!peek(b->q))", "\treturn 0;", "return load(b->p)->x;"),
    ],
)
def test_it_needs_another_place_with_the_same_variables(lines: tuple[str, ...]) -> None:
    assert said(_TWICE, function("f", *lines)) == []


def test_beside_is_a_trigger_where_the_match_has_no_word() -> None:
    rule = """
match = "$OLD = $V"
beside = { match = ["swap_if($V, $OLD, $NEW)"], note = "exchanged here" }
message = "$OLD becomes $NEW by $BESIDE"
"""
    assert read_rule(_HEAD + rule, "demo.toml").triggers == {"swap_if"}
    code = function("f", "do {", "\told = b->x;", "} while (!swap_if(b->x, old, 2));")
    assert said(rule, code) == ["old becomes 2 by swap_if()"]


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("unless.setup = false", "unless.setup: false says nothing; wanted true"),
        ("when.tested = 'yes'", "when.tested: wanted true or false, not 'yes'"),
        ("once = false", "once: false says nothing"),
        ("when.note = 'x'", "when.note: says something of a lock; wanted only in `when`"),
        ("unless = { holding = 'rcu', note = 'x' }", "unless.note: says something of a lock"),
        ("when = { holding = 'rcu', note = '$A' }", "when.note: $A is not bound"),
        ("where.A.variable = 1", "where.A.variable: wanted true or false"),
        ("where.A.contains = '$B('", "where.A.contains: not a C statement or expression: '$B('"),
        ("unless.calls = 'get($B)'", "unless.calls: $B is not bound by every pattern of `match`"),
        ("unless.calls = 'get($A'", "unless.calls: not a C"),
        ("other.visi = 'x'", "other.visi: unknown function, or not called by `match`"),
        ("other = {}", "other.visit: missing; wanted a string"),
        ("beside.match = 'f($A)'", "beside.note: missing"),
        ("beside = { match = 'f($A)', note = '$B' }", "beside.note: $B is not bound"),
        (
            "when.holding = 'rcu'\nbeside = { match = 'f($A)', note = '$LOCK' }",
            "beside.note: $LOCK is not bound",
        ),
        ("beside = { match = 'f($A)', note = 'x', after = true }", "beside.after: unknown key"),
        ("beside = { match = 'f($A)', note = 'x', before = false }", "beside.before: false says"),
    ],
)
def test_a_mistake_is_named_with_its_key(rule: str, wanted: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_rule(_HEAD + 'message = "$A"\n' + _VISIT + rule, "rules/rcu/demo.toml")
    assert f"rules/rcu/demo.toml: {wanted}" in str(caught.value)


@pytest.mark.parametrize(
    ("match", "message", "wanted"),
    [
        ('"$A = $B"', "$CALL", "message: $CALL is not bound"),
        ('"visit($A)"', "$OTHER", "message: $OTHER is not bound"),
        ('"visit($A)"', "$BESIDE", "message: $BESIDE is not bound"),
    ],
)
def test_a_name_that_nothing_binds_is_refused(match: str, message: str, wanted: str) -> None:
    with pytest.raises(RuleError) as caught:
        read_rule(_HEAD + f'match = {match}\nmessage = "{message}"', "demo.toml")
    assert wanted in str(caught.value)


_IRQS_OFF = """
match = "visit($A)"
when = { holding = "spin-irq", note = "$TAKEN() takes $LOCK and switches interrupts off" }
message = "$A under $LOCK"
"""


def test_a_spinlock_with_interrupts_off_is_told_from_one_with_them_on() -> None:
    code = function(
        "f", "spin_lock(&b->a);", "visit(1);", "spin_lock_irqsave(&b->b, flags);", "visit(2);"
    ) + function("g", "local_irq_disable();", "visit(3);")
    (found,) = read_rule(_HEAD + _IRQS_OFF, "demo.toml").check(source(code))
    assert found.message == "2 under b->b"
    (evidence,) = found.evidence
    assert evidence.note == "spin_lock_irqsave() takes b->b and switches interrupts off"
    assert evidence.span.line == 5
