"""What a function says in its own words: types, calls, accesses, assignments, structs."""

from __future__ import annotations

import time

import pytest

from reviewer.c.function import CType, Use
from reviewer.model import Side
from tests.written import PATH, body, function, shown, source

STRUCTS = """struct part {
	int size;
	struct part __rcu *next;
};

struct box {
	spinlock_t lock;
	struct part *first, parts[4];
	union {
		struct part __rcu *map;
		struct {
			unsigned long flags;
		};
	};
	struct lid {
		int angle;
	} lid;
};

"""


def test_the_header_gives_type_parameters_and_linkage() -> None:
    found = function(
        "static struct part *find(struct box *b, const char **names, int n[])\n"
        "{\n\treturn NULL;\n}\n"
    )
    assert (found.name, found.static, found.returns) == ("find", True, "struct part *")
    assert [(each.name, each.type) for each in found.parameters] == [
        ("b", CType("struct box", 1)),
        ("names", CType("char", 2)),
        ("n", CType("int", 0, array=True)),
    ]


def test_locals_carry_rcu_and_cleanup() -> None:
    found = body(
        "struct part __rcu **slot, *p __free(kfree) = NULL;",
        "static int calls;",
        "unsigned int bits[3];",
    )
    types = {name: each.type for name, each in found.variables.items()}
    assert types["slot"] == CType("struct part", 2, rcu=True)
    assert types["p"] == CType("struct part", 1, free="kfree")
    assert types["bits"] == CType("unsigned int", 0, array=True)
    assert found.variables["calls"].static
    assert found.variables["b"].parameter


def test_a_name_of_two_types_stands_for_none() -> None:
    found = body(
        "{", "\tint x;", "}", "{", "\tlong x;", "}", "{", "\tint y;", "}", "{", "\tint y;", "}"
    )
    assert "x" not in found.variables
    assert "y" in found.variables


def test_calls_come_in_order_with_their_arguments_as_written() -> None:
    found = body(
        'first(b,\n\t      "a, b" /* why */);', "x = b->ops->open(second(1 +  2), &b->list);"
    )
    assert [(call.name, call.arguments, call.statement) for call in found.calls] == [
        ("first", ("b", '"a, b"'), True),
        ("b->ops->open", ("second(1 + 2)", "&b->list"), False),
        ("second", ("1 + 2",), False),
    ]
    assert found.calls[0].span.line == 3
    assert found.calls[0].span.last == 4


def test_an_iterator_is_a_call_under_its_own_name() -> None:
    found = body("list_for_each_entry_safe(p, n, &b->list, node)", "\tvisit(p);")
    walk = found.calls[0]
    assert (walk.name, walk.loop, walk.guard) == ("list_for_each_entry_safe", True, False)
    assert walk.arguments == ("p", "n", "&b->list", "node")
    assert len(walk.argument_nodes) == 4


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("guard(mutex)(&b->lock);", "guard", ("mutex", "&b->lock")),
        ("guard(rcu)();", "guard", ("rcu",)),
        ("CLASS(fd, f)(n);", "CLASS", ("fd", "f", "n")),
        ("scoped_guard(spinlock, &b->lock) {\n\t}", "scoped_guard", ("spinlock", "&b->lock")),
    ],
)
def test_a_guard_is_one_call(line: str, name: str, arguments: tuple[str, ...]) -> None:
    (call,) = body(line).calls
    assert (call.name, call.arguments, call.guard, call.loop) == (name, arguments, True, False)


@pytest.mark.parametrize(
    ("line", "use"),
    [
        ("x = b->map;", Use.READ),
        ("b->map = x;", Use.WRITE),
        ("b->map += 2;", Use.WRITE),
        ("b->map++;", Use.WRITE),
        ("f(&b->map);", Use.ADDRESS),
        ("x = sizeof(*b->map);", Use.ADDRESS),
        ("if (b->map) x();", Use.TEST),
        ("if (!b->map) x();", Use.TEST),
        ("if (b->map == NULL) x();", Use.TEST),
        ("if (NULL != b->map) x();", Use.TEST),
        ("if (x && b->map) x();", Use.TEST),
        ("while (unlikely(b->map)) x();", Use.TEST),
        ("x = b->map ? 1 : 2;", Use.TEST),
        ("if (b->map == 3) x();", Use.READ),
        ("return f(b->map);", Use.READ),
        ("b->map.size = 3;", Use.WRITE),
        ("b->map->size = 3;", Use.READ),
    ],
)
def test_each_access_says_what_it_does(line: str, use: Use) -> None:
    (access,) = (each for each in body(line).accesses if each.text == "b->map")
    assert access.use is use


def test_an_access_knows_the_function_that_gets_it() -> None:
    found = body("x = rcu_dereference(b->map);", "f(&b->lock, b->first->size);")
    assert {each.text: each.argument_of for each in found.accesses} == {
        "b->map": "rcu_dereference",
        "b->lock": "f",
        "b->first->size": "f",
        "b->first": None,
    }


@pytest.mark.parametrize(
    ("expression", "struct"),
    [
        ("b->first", "box"),
        ("b->first->size", "part"),
        ("b->parts[2].size", "part"),
        ("b->map->next->size", "part"),
        ("(*b).flags", "box"),
        ("(&own)->size", "part"),
        ("own.size", "part"),
        ("((struct part *)data)->size", "part"),
        ("rcu_dereference(b->map)->size", "part"),
        ("container_of(x, struct part, size)->next", "part"),
        ("unseen->size", None),
        ("b->unseen->size", None),
        ("own->size", None),
    ],
)
def test_the_struct_of_an_access_is_known_when_the_text_shows_it(
    expression: str, struct: str | None
) -> None:
    found = function(
        STRUCTS
        + "int f(struct box *b, void *data)\n{\n\tstruct part own;\n\n"
        + f"\treturn {expression};\n}}\n"
    )
    (access,) = (each for each in found.accesses if each.text == expression)
    assert access.struct == struct


def test_assignments_and_initialisers_come_in_order() -> None:
    found = body("struct part *p = b->first, *q;", "q = p;", "b->n |= 1 << 2;")
    assert [(a.target, a.operator, a.value, a.declares) for a in found.assignments] == [
        ("p", "=", "b->first", True),
        ("q", "=", "p", False),
        ("b->n", "|=", "1 << 2", False),
    ]


def test_annotations_of_the_header_are_kept() -> None:
    found = body(header="static void f(struct box *b)\n\t__acquires(&b->lock) __releases(RCU)")
    assert (found.acquires, found.releases, found.must_hold) == (("&b->lock",), ("RCU",), ())


def test_what_the_mail_hides_is_no_code() -> None:
    found = shown(
        "\tif (b->x)", "\t\tfirst(b);", "", "\tlast(b);", section="static int f(struct box *b)"
    )
    assert found.has_gap
    assert found.changed
    assert not found.header_shown
    assert found.returns is None
    assert (found.first_line, found.last_line) == (50, 53)
    texts = [call.name for call in found.calls] + [each.text for each in found.accesses]
    assert texts == ["first", "last", "b->x"]
    assert not found.calls[0].cut


def test_a_call_that_the_hunk_cuts_says_so_or_is_not_there() -> None:
    found = shown("\tx();", "\tsend(b, one,", section="static int f(struct box *b)")
    assert all(call.cut for call in found.calls if call.name == "send")


def test_a_node_of_a_synthetic_row_has_no_line() -> None:
    found = shown("\tx();", section="static int f(struct box *b)")
    assert found.span(found.node) is None
    span = found.span(found.calls[0].node)
    assert span is not None
    assert (span.path, span.line, span.side, span.code) == (PATH, 50, Side.NEW, "\tx();")


def test_struct_fields_are_found_through_anonymous_members() -> None:
    structs = source(STRUCTS).structs
    first, parts = structs.field("box", "first"), structs.field("box", "parts")
    assert first is not None
    assert parts is not None
    assert (first.type, parts.type) == (
        CType("struct part", 1),
        CType("struct part", 0, array=True),
    )
    field = structs.field("box", "map")
    assert field is not None
    assert field.type == CType("struct part", 1, rcu=True)
    assert field.span is not None
    assert (field.span.line, field.span.code.strip()) == (10, "struct part __rcu *map;")
    assert structs.field("box", "flags") is not None
    assert structs.field("lid", "angle") is not None
    assert structs.field("box", "angle") is None


def test_of_two_files_the_first_has_the_word_on_a_field() -> None:
    mine = source("struct box {\n\tint a;\n};\n").structs
    theirs = source("struct box {\n\tlong a;\n\tint b;\n};\nstruct lid {\n\tint c;\n};\n").structs
    merged = mine.merge(theirs)
    field = merged.field("box", "a")
    assert field is not None
    assert field.type.name == "int"
    assert merged.field("box", "b") is not None
    assert merged.field("lid", "c") is not None


def test_a_file_knows_the_function_at_a_line() -> None:
    text = "int f(void)\n{\n\treturn 1;\n}\n\nint g(void)\n{\n\treturn 2;\n}\n"
    found = source(text)
    first, second = found.functions
    assert (found.function_at(3), found.function_at(8), found.function_at(5)) == (
        first,
        second,
        None,
    )


@pytest.mark.parametrize(
    "text",
    [
        "b" + "->next" * 20_000 + " = 1;",
        "f(" * 3000 + "b" + ")" * 3000 + ";",
        "x = " * 3000 + "1;",
        "if (b->x" + " && b->x" * 5000 + ") return 1;",
        "f(b,\n" * 2000 + "b" + ")" * 2000 + ";",
        "x = " + "(" * 5000 + "b->x" + ")" * 5000 + ";",
    ],
)
def test_hostile_expressions_end_in_time(text: str) -> None:
    begin = time.process_time()
    found = body(text)
    assert len(found.calls) + len(found.accesses) + len(found.assignments) < 50_000
    assert time.process_time() - begin < 3
