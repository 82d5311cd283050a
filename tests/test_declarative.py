from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.c.source import Source
from reviewer.c.structs import structs_of
from reviewer.c.units import units_of_hunks, units_of_text
from reviewer.declarative import read_rule
from reviewer.diff.patch import Hunk, Row
from reviewer.errors import RuleError
from reviewer.model import Confidence, Safety, Severity, Side
from reviewer.rule import Need

if TYPE_CHECKING:
    from reviewer.model import Finding

HEAD = """
title = "swap() of the map"
severity = "error"
confidence = "likely"
since = "0.1"
explanation = "Readers see half of each."
"""
TABLE = """struct map {
	struct peer *first;
};

struct table {
	struct map map;
	struct peer __rcu *peer;
	struct peer *plain;
	struct idr idr;
	int count;
};

"""
PATH = "net/demo/peer.c"


def source(code: str) -> Source:
    units = units_of_text(code, range(1, 10_000))
    return Source(PATH, Side.NEW, units, structs_of(units, PATH, Side.NEW), whole=True)


def hunk(section: str, *rows: str) -> Source:
    lines = tuple(Row("+", row, None, number) for number, row in enumerate(rows, 40))
    units = units_of_hunks((Hunk(section, 40, 40, lines),), Side.NEW)
    return Source(PATH, Side.NEW, units, structs_of(units, PATH, Side.NEW))


def findings(rule: str, code: str | Source) -> list[Finding]:
    """What the rule says; unless it has a message, that is `$FUNCTION: $A`."""
    message = "" if "message" in rule else 'message = "$FUNCTION: $A"\n'
    where = source(TABLE + code) if isinstance(code, str) else code
    return list(read_rule(HEAD + message + rule, "demo.toml").check(where))


def messages(rule: str, code: str | Source) -> list[str]:
    return [finding.message for finding in findings(rule, code)]


def function(name: str, *lines: str) -> str:
    body = "".join(f"\t{line}\n" for line in lines)
    return f"static void {name}(struct table *t, struct table *u)\n{{\n{body}}}\n\n"


def error(text: str) -> str:
    with pytest.raises(RuleError) as caught:
        read_rule(text, "rules/rcu/demo.toml")
    return str(caught.value)


def test_every_key_arrives_in_the_rule() -> None:
    rule = read_rule(
        HEAD
        + 'match = ["swap($A, $B)", "exchange($A, $B)"]\nmessage = "swap() of $A in $FUNCTION()"\n'
        + 'needs = "file"\nlinks = ["https://docs.kernel.org/RCU/checklist.html"]\n'
        + 'fix.title = "Publish $A"\nfix.safety = "suggest"\n',
        "demo.toml",
        "rcu/demo",
    )
    assert (rule.id, rule.title, rule.since) == ("rcu/demo", "swap() of the map", "0.1")
    assert (rule.severity, rule.confidence) == (Severity.ERROR, Confidence.LIKELY)
    assert rule.needs is Need.FILE
    assert rule.links == ("https://docs.kernel.org/RCU/checklist.html",)
    assert rule.triggers == {"swap", "exchange"}
    (finding,) = rule.check(source(TABLE + function("reset", "swap(t->map, u->map);")))
    assert finding.message == "swap() of t->map in reset()"
    assert finding.function == "reset"
    assert finding.span.code == "\tswap(t->map, u->map);"
    assert finding.fix is not None
    assert (finding.fix.title, finding.fix.safety) == ("Publish t->map", Safety.SUGGEST)


def test_alternatives_that_fit_one_place_are_one_finding() -> None:
    rule = 'match = ["swap($A, $B)", "swap($A, ...)"]'
    assert messages(rule, function("reset", "swap(t->map, u->map);")) == ["reset: t->map"]


def test_a_rule_without_words_of_its_own_runs_everywhere() -> None:
    head = HEAD + 'message = "$P"\nmatch = "$P = $Q"\n'
    assert read_rule(head, "demo.toml").triggers == frozenset()
    triggered = read_rule(head + 'when.calls = ["synchronize_rcu"]\n', "demo.toml")
    assert triggered.triggers == {"synchronize_rcu"}
    assert not read_rule(head + 'when.calls = ["synchronize_*"]\n', "demo.toml").triggers


SHARED = """static DEFINE_IDR(peers);

static void walk(struct table *t, struct idr *given)
{
	struct idr own;
	static struct idr kept;
	struct idr *alias = &t->idr;
	struct idr *mine = &own;
	struct table *fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);

	visit(&t->idr);
	visit(&peers);
	visit(&kept);
	visit(alias);
	visit(*given);
	visit(&t->peers[3].idr);
	visit(&own);
	visit(mine);
	visit(&fresh->idr);
	visit(given);
}
"""


def test_shared_is_what_others_can_reach() -> None:
    wanted = ["&t->idr", "&peers", "&kept", "alias", "*given", "&t->peers[3].idr"]
    rule = 'match = "visit($A)"\nwhere.A = { shared = true }'
    assert messages(rule, SHARED) == [f"walk: {text}" for text in wanted]


def test_local_is_what_nobody_else_can_reach() -> None:
    rule = 'match = "visit($A)"\nwhere.A = { local = true }'
    assert messages(rule, SHARED) == ["walk: &own", "walk: mine", "walk: &fresh->idr"]


def test_what_a_hunk_hides_is_neither_shared_nor_local() -> None:
    code = hunk("static void walk(void)", "\tvisit(&peers);", "\tdone();")
    assert not messages('match = "visit($A)"\nwhere.A = { shared = true }', code)
    assert not messages('match = "visit($A)"\nwhere.A = { local = true }', code)


def test_type_asks_the_declaration_and_is_silent_without() -> None:
    code = function("f", "struct idr own;", "visit(&own);", "visit(&t->idr);", "visit(unknown);")
    rule = 'match = "visit($A)"\nwhere.A = { type = "struct idr" }'
    assert messages(rule, code) == ["f: &own", "f: &t->idr"]
    several = 'match = "visit($A)"\nwhere.A = { type = ["struct x*", "struct i?r"] }'
    assert messages(several, code) == ["f: &own", "f: &t->idr"]


def test_pointer_asks_the_declaration() -> None:
    code = function("f", "swap(t->map, u->map);", "swap(t->plain, u->plain);", "swap(x, y);")
    assert messages('match = "swap($A, $B)"\nwhere.A.pointer = false', code) == ["f: t->map"]
    assert messages('match = "swap($A, $B)"\nwhere.A.pointer = true', code) == ["f: t->plain"]


def test_declared_rcu_shows_the_declaration() -> None:
    code = function("f", "swap(t->peer, u->peer);", "swap(t->plain, u->plain);")
    (finding,) = findings('match = "swap($A, $B)"\nwhere.A = { declared = "__rcu" }', code)
    assert finding.message == "f: t->peer"
    (evidence,) = finding.evidence
    assert evidence.span.code == "\tstruct peer __rcu *peer;"
    assert "__rcu" in evidence.note


READ = function(
    "lookup", "rcu_read_lock();", "use(t->map.first);", "use(&t->idr);", "rcu_read_unlock();"
)


def test_read_under_rcu_shows_the_reader() -> None:
    rule = 'match = "swap($A, $B)"\nwhere.A = { read_under = "rcu" }'
    code = READ + function("f", "swap(u->map, t->map);", "swap(t->plain, u->plain);")
    (finding,) = findings(rule, code)
    assert finding.message == "f: u->map"
    assert [evidence.span.code for evidence in finding.evidence] == ["\tuse(t->map.first);"]
    assert finding.evidence[0].note == "lookup() uses t->map under rcu_read_lock()"


def test_a_reader_of_another_struct_is_no_reader() -> None:
    other = "struct other {\n\tstruct map map;\n};\n\n"
    reader = (
        "static void peek(struct other *o)\n{\n\trcu_read_lock();\n\tuse(o->map);\n"
        "\trcu_read_unlock();\n}\n\n"
    )
    rule = 'match = "swap($A, $B)"\nwhere.A = { read_under = "rcu" }'
    assert not findings(rule, other + reader + function("f", "swap(t->map, u->map);"))


def test_a_use_outside_of_the_section_is_no_reader() -> None:
    reader = function("peek", "rcu_read_lock();", "rcu_read_unlock();", "use(t->map);")
    rule = 'match = "swap($A, $B)"\nwhere.A = { read_under = "rcu" }'
    assert not findings(rule, reader + function("f", "swap(t->map, u->map);"))


def test_any_needs_one_and_keeps_the_evidence_of_all() -> None:
    rule = (
        'match = "swap($A, $B)"\n'
        'where.A = { any = [ { declared = "__rcu" }, { read_under = "rcu" } ] }'
    )
    code = READ + function("f", "swap(t->map, u->map);", "swap(t->peer, u->peer);", "swap(t, u);")
    assert messages(rule, code) == ["f: t->map", "f: t->peer"]


def test_all_keys_of_a_table_must_hold() -> None:
    rule = 'match = "swap($A, $B)"\nwhere.A = { shared = true, pointer = true }'
    assert messages(rule, function("f", "swap(t->map, u->map);", "swap(t->peer, u->peer);")) == [
        "f: t->peer"
    ]


def test_names_are_globs_on_the_text() -> None:
    code = function("f", "swap(t->map, u->map);", "swap(t->old_map, u->map);")
    assert messages('match = "swap($A, $B)"\nwhere.A.name = "*->map"', code) == ["f: t->map"]
    assert messages('match = "swap($A, $B)"\nwhere.A.not_name = "*old*"', code) == ["f: t->map"]


def test_when_holding_speaks_under_the_lock_and_shows_it() -> None:
    rule = 'match = "visit($A)"\nwhen.holding = ["atomic"]\nmessage = "$A under $LOCK"'
    code = function(
        "f", "visit(a);", "spin_lock(&t->lock);", "visit(b);", "spin_unlock(&t->lock);", "visit(c);"
    ) + function("g", "mutex_lock(&t->m);", "visit(d);", "mutex_unlock(&t->m);")
    (finding,) = findings(rule, code)
    assert finding.message == "b under t->lock"
    assert [evidence.span.code for evidence in finding.evidence] == ["\tspin_lock(&t->lock);"]


def test_when_holding_wants_the_lock_on_every_path() -> None:
    rule = 'match = "visit($A)"\nwhen.holding = ["mutex"]'
    code = function("f", "if (t)", "\tmutex_lock(&u->m);", "visit(a);", "mutex_unlock(&u->m);")
    assert not findings(rule, code)


def test_unless_holding_is_silent_when_some_path_holds_it() -> None:
    rule = 'match = "visit($A)"\nunless.holding = ["rcu", "lock"]'
    code = (
        function("bare", "visit(a);")
        + function("maybe", "if (t)", "\tmutex_lock(&u->m);", "visit(b);", "mutex_unlock(&u->m);")
        + function("under", "rcu_read_lock();", "visit(c);", "rcu_read_unlock();")
        + function("off", "local_irq_disable();", "visit(d);", "local_irq_enable();")
    )
    assert messages(rule, code) == ["bare: a", "off: d"]
    anything = 'match = "visit($A)"\nunless.holding = "any"'
    assert messages(anything, code) == ["bare: a"]


def test_unless_holding_is_silent_when_the_mail_hides_the_locks() -> None:
    code = hunk("static void walk(struct table *t)", "\tvisit(&t->idr);", "\tdone();")
    assert messages('match = "visit($A)"', code) == ["walk: &t->idr"]
    assert not messages('match = "visit($A)"\nunless.holding = "any"', code)


def test_locks_are_known_at_conditions_too() -> None:
    rule = 'match = "if ($A) return;"\nunless.holding = "any"'
    code = function(
        "f", "if (t->count)", "\treturn;", "mutex_lock(&t->m);", "if (u->count)", "\treturn;"
    )
    assert messages(rule, code) == ["f: t->count"]


def test_the_name_of_the_function_can_be_asked() -> None:
    code = function("demo_init", "visit(a);") + function("demo_run", "visit(b);")
    assert messages('match = "visit($A)"\nwhen.function = "*_init"', code) == ["demo_init: a"]
    assert messages('match = "visit($A)"\nunless.function = ["*_init", "*_exit"]', code) == [
        "demo_run: b"
    ]


def test_a_function_without_name_in_the_mail_is_not_judged_by_it() -> None:
    code = hunk("", "\tvisit(a);", "\tvisit(b);")
    assert not messages('match = "visit($A)"\nunless.function = "*_init"', code)


def test_a_message_does_without_the_name_that_the_mail_hides() -> None:
    rule = 'match = "visit($A)"\nmessage = "$A is visited in $FUNCTION(): why?"'
    code = hunk("", "\tvisit(a);", "\tvisit(b);")
    assert messages(rule, code)[0] == "a is visited in this function: why?"


def test_calls_of_the_function_are_evidence() -> None:
    code = function("f", "visit(a);", "synchronize_rcu();") + function("g", "visit(b);")
    (finding,) = findings('match = "visit($A)"\nwhen.calls = ["synchronize_*"]', code)
    assert finding.message == "f: a"
    assert [evidence.span.code for evidence in finding.evidence] == ["\tsynchronize_rcu();"]
    assert messages('match = "visit($A)"\nunless.calls = ["synchronize_*"]', code) == ["g: b"]


def test_messages_are_one_bounded_line_of_printable_characters() -> None:
    long = " + ".join(["value"] * 60)
    (message,) = messages(
        'match = "visit($A)"\nmessage = "a\\u001b[31m\\n $A"', function("f", f"visit({long});")
    )
    assert message.isprintable()
    assert len(message) < 100
    assert message.endswith("...")


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ('messages = "x"', "messages: unknown key; the nearest is 'message'"),
        ("match = 3", "match: wanted a string or a list of strings, not 3"),
        ("match = []", "match: wanted a string or a list of strings, not []"),
        ('message = "x"', "match: missing"),
        (
            'match = "swap($A $B)"\nmessage = "x"',
            "match: not a C statement or expression: 'swap($A $B)'",
        ),
        ('match = "f($A)"', "message: missing; wanted a string"),
        ('match = "f($A)"\nmessage = "$B"', "message: $B is not bound"),
        ('match = ["f($A)", "g($B)"]\nmessage = "$A"', "message: $A is not bound by every pattern"),
        ('match = "f($A)"\nmessage = "$LOCK"', "message: $LOCK is not bound"),
        ('match = "f($A)"\nmessage = "x"\nfix.title = "$Z"', "fix.title: $Z is not bound"),
        (
            'match = "f($A)"\nmessage = "x"\nfix.title = "y"\nfix.safety = "save"',
            "nearest is 'safe'",
        ),
        ('match = "f($A)"\nmessage = "x"\nfix.titel = "y"', "fix.titel: unknown key"),
        ('match = "f($A)"\nmessage = "x"\nwhere.B.shared = true', "where.B: unknown metavariable"),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A.share = true',
            "where.A.share: unknown key; the nearest is 'shared'",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A.shared = false',
            "where.A.shared: false says nothing",
        ),
        ('match = "f($A)"\nmessage = "x"\nwhere.A = {}', "where.A: empty"),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A = "shared"',
            "where.A: wanted a table, not 'shared'",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A.any = []',
            "where.A.any: wanted a list of tables",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A.any = [{nam = "x"}]',
            "where.A.any[1].nam: unknown",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A.declared = "__user"',
            "where.A.declared: '__user'",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A.read_under = "mutex"',
            "where.A.read_under: 'mutex'",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nwhere.A.pointer = "yes"',
            "where.A.pointer: wanted true or false",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nunless.holding = ["spinlock"]',
            "unless.holding: 'spinlock' is no kind of lock",
        ),
        (
            'match = "f($A)"\nmessage = "x"\nwhen.hold = "rcu"',
            "when.hold: unknown key; the nearest is 'holding'",
        ),
        ('match = "f($A)"\nmessage = "x"\nneeds = "tree"', "needs: 'tree' is none of its values"),
        ('match = "f($A)"\nmessage = "  "', "message: empty"),
        ('match = "f($A)', "not TOML"),
        ("a = " + "[" * 20_000, "nested too deeply"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(rule: str, wanted: str) -> None:
    assert error(HEAD + rule).startswith("rules/rcu/demo.toml: ")
    assert wanted in error(HEAD + rule)


def test_a_title_has_its_bound() -> None:
    text = HEAD.replace("swap() of the map", "x" * 61) + 'match = "f($A)"\nmessage = "x"'
    assert "title: 61 characters; wanted at most 60" in error(text)


def test_a_severity_that_is_none_shows_those_that_are() -> None:
    text = HEAD.replace('"error"', '"fatal"') + 'match = "f($A)"\nmessage = "x"'
    assert "severity: 'fatal' is none of its values; wanted one of error, note, warning" in error(
        text
    )


def test_a_rule_file_has_its_bound() -> None:
    assert "at most" in error("# " + "x" * 70_000)
