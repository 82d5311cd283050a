"""The mask of kernel C: what the grammar reads, and what stays known of the kernel's spelling."""

from __future__ import annotations

import pytest

from reviewer.c.hunks.faults import unit_errors
from reviewer.c.unit import Kind, Mark, Unit
from reviewer.c.units import units_of_text


def unit_of(text: str) -> Unit:
    (unit,) = units_of_text(text, ())
    assert len(unit.masked) == len(unit.text)
    assert not unit_errors(unit), unit.masked
    return unit


def body(*lines: str) -> Unit:
    """A function that holds the lines."""
    return unit_of("int f(struct x *a)\n{\n" + "".join(f"\t{line}\n" for line in lines) + "}\n")


def mark(unit: Unit, name: str) -> Mark:
    (found,) = [mark for mark in unit.marks if mark.name == name]
    assert unit.text[found.start : found.end].startswith(name)
    return found


def test_an_rcu_pointer_of_a_struct_is_known_as_one() -> None:
    unit = unit_of("struct s {\n\tstruct map __rcu *map;\n\tint n;\n};\n")
    assert mark(unit, "__rcu").arguments is None
    assert "struct map       *map;" in unit.masked


@pytest.mark.parametrize("name", ["__must_hold", "__acquires", "__releases"])
def test_a_lock_annotation_keeps_its_lock(name: str) -> None:
    unit = unit_of(f"static void f(struct x *a)\n\t{name}(&a->lock)\n{{\n\tg(a);\n}}\n")
    assert mark(unit, name).arguments == "&a->lock"
    assert unit.name == "f"


def test_a_pointer_with_cleanup_is_declared_by_its_own_name() -> None:
    unit = body("struct foo *p __free(kfree) = make(a);", "use(p);")
    assert mark(unit, "__free").arguments == "kfree"
    assert "struct foo *p               = make(a);" in unit.masked


def test_an_iterator_is_a_loop_with_its_body() -> None:
    unit = body("list_for_each_entry(p, &a->list, node) {", "\tuse(p);", "}")
    found = mark(unit, "list_for_each_entry")
    assert found.loop
    assert found.arguments == "p, &a->list, node"
    assert unit.text[found.start : found.end] == "list_for_each_entry(p, &a->list, node)"
    assert "while_statement" in str(unit.tree.root_node)


def test_an_iterator_over_one_statement_is_a_loop_too() -> None:
    assert mark(body("for_each_cpu(cpu, mask)", "\tuse(cpu);"), "for_each_cpu").loop


def test_a_function_whose_name_says_for_each_stays_a_call() -> None:
    unit = body("idr_for_each(&a->idr, drop, a);", "n = xa_for_each_fn(a);")
    assert not unit.marks
    assert "while" not in unit.masked


def test_a_scoped_guard_holds_its_block() -> None:
    unit = body("scoped_guard(mutex, &a->lock) {", "\tuse(a);", "}")
    assert mark(unit, "scoped_guard").arguments == "mutex, &a->lock"


def test_a_guard_is_a_call_of_a_call() -> None:
    unit = body("guard(mutex)(&a->lock);", "CLASS(fd, f)(n);")
    assert not unit.marks


def test_a_block_macro_of_any_name_holds_its_block() -> None:
    assert mark(body("with_widget(a) {", "\tuse(a);", "}"), "with_widget").loop


def test_a_macro_without_semicolon_does_not_swallow_the_next_statement() -> None:
    unit = body("TRACE_HERE(a)", "use(a);")
    found = mark(unit, "TRACE_HERE")
    assert (found.loop, found.arguments) == (False, "a")
    assert "use(a);" in unit.masked


@pytest.mark.parametrize(
    "line",
    [
        "p = container_of(n, struct widget, node);",
        "q = va_arg(ap, char *);",
        "n = min_t(unsigned int, n, 4);",
        "n = offsetof(struct widget, part[2].size);",
        "typeof(*a) *b = a;",
        "auto c = make(a);",
        "switch (n) { case 1 ... 5: break; }",
        'printk(KERN_ERR PREFIX "x");',
        "check(n, ==, 3);",
        "if (REV_IS(CHIP, 210A)) use(a);",
        'register long r __asm__("r9") = n;',
        "opts(o, .flags = n, .size = 3);",
        "p = (struct widget __force *)q;",
        "char c = '{', d = '\"';",
        'log("} /* { " "%s", c);',
    ],
)
def test_a_form_of_kernel_code_is_read(line: str) -> None:
    body(line, "use(a);")


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("static int __init f(void)\n{\n\treturn 0;\n}\n", Kind.FUNCTION, "f"),
        ("STATIC int f(void)\n{\n\treturn 0;\n}\n", Kind.FUNCTION, "f"),
        ("static noinline_for_stack void f(void)\n{\n}\n", Kind.FUNCTION, "f"),
        ("SYSCALL_DEFINE2(probe, int, a, int, b)\n{\n\treturn a;\n}\n", Kind.FUNCTION, "probe"),
        ("static DEFINE_MUTEX(lock);\n", Kind.DECLARATION, None),
        ("module_init(start)\n", Kind.DECLARATION, None),
        ("static DEFINE_PER_CPU(struct s, one) = {\n\t.a = 1,\n};\n", Kind.INITIALISER, None),
        ("VARIANT_ADD(a, b) {\n\t.x = 1,\n};\n", Kind.INITIALISER, None),
        ("enum e : u8 {\n\tA,\n};\n", Kind.ENUM, "e"),
        ("struct s {\n\tDECLARE_BITMAP(bits, 4);\n};\n", Kind.STRUCT, "s"),
        ("struct s {\n\tstruct_group(all,\n\t\tint a;\n\t);\n};\n", Kind.STRUCT, "s"),
        ("struct s {\n\tint n;\n\tint a[] __counted_by(n);\n} __packed;\n", Kind.STRUCT, "s"),
        (
            "static const struct ops o = {\n\tSET_OPS(a, b)\n\tSET_MORE(c)\n};\n",
            Kind.INITIALISER,
            "o",
        ),
    ],
)
def test_an_item_of_kernel_code_is_read(text: str, kind: Kind, name: str | None) -> None:
    unit = unit_of(text)
    assert unit.kind is kind
    if kind is not Kind.INITIALISER or name:
        assert unit.name == name


def test_members_of_a_bitmap_keep_their_name() -> None:
    unit = unit_of("struct s {\n\tDECLARE_BITMAP(bits, 4);\n};\n")
    assert "bits" in unit.masked
    assert mark(unit, "DECLARE_BITMAP").arguments == "bits, 4"


def test_a_name_of_the_programmer_is_no_attribute() -> None:
    unit = body(
        "struct widget __w;", "__u32 __iv = 1;", "goto __out;", "__out:", "use(__w, a->__v);"
    )
    assert not unit.marks
    assert unit.masked.count("__w") == 2
    assert "__iv" in unit.masked


def test_text_that_is_not_ascii_keeps_its_place() -> None:
    unit = body("p = caf\u00e9;", "use(p); /* \U0001f600 */", "done(p);")
    assert unit.masked.index("done") == unit.text.index("done")
