"""Tables of facts from the user's own kernel tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reviewer.c import facts
from reviewer.errors import FactsError
from reviewer.kernel.build import Counts, build
from reviewer.kernel.text import Definition, definitions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def only(text: str, header: bool = False) -> Definition:
    (found,) = definitions(text, header)
    return found


def made(*statements: str, head: str = "int f(struct box *b, int n)") -> str:
    return f"{head}\n{{\n" + "".join(f"\t{line}\n" for line in statements) + "}\n"


def test_what_a_function_always_calls_is_read_up_to_its_first_way_out() -> None:
    found = only(made("a(b);", "if (c(b) && d(b))", "\treturn 1;", "e(b);"))
    assert found.calls == ("a", "c")


def test_what_only_some_path_calls_is_left_out() -> None:
    lines = ("if (n)", "\ta(b);", "for_each_box(b) {", "\tc(b);", "}", "x = n ? d(b) : 0;", "e(b);")
    assert only(made(*lines)).calls == ("e",)
    assert only(made("b->ops->run(b);", "return g(b);")).calls == ("g",)


def test_who_gives_back_the_lock_of_its_caller_may_sleep_then() -> None:
    assert only(made("spin_unlock(&b->lock);", "msleep(1);", "spin_lock(&b->lock);")).calls == ()
    lines = ("spin_lock(&b->lock);", "spin_unlock(&b->lock);", "msleep(1);")
    assert only(made(*lines)).calls == ("spin_lock", "spin_unlock", "msleep")


def test_a_guard_takes_its_lock() -> None:
    assert only(made("guard(mutex)(&b->lock);")).calls == ("mutex_lock",)


def test_a_lock_that_is_asserted_is_told_by_its_parameter() -> None:
    found = only(made("lockdep_assert_held(&b->lock);", "ASSERT_RTNL();"))
    assert found.needs == ("$0->lock", "rtnl")
    assert only(made("struct x *p = b->x;", "lockdep_assert_held(&p->lock);")).needs == ()
    head = "static void f(int n, struct box *b) __must_hold(&b->lock)"
    assert only(made("a(b);", head=head)).needs == ("$1->lock",)


def test_a_static_function_of_a_header_is_known_everywhere() -> None:
    text = made("a();", head="static inline void f(void)")
    assert only(text).local
    assert not only(text, header=True).local


def test_a_parameter_is_freed_at_the_end_unless_it_was_changed() -> None:
    lines = ("if (!b)", "\treturn;", "use(b);", "kfree(b);")
    assert only(made(*lines, head="void f(int n, struct box *b)")).frees == (("kfree", 0, 1),)
    assert only(made("b = b->next;", "kfree(b);")).frees == ()
    assert only(made("if (n)", "\treturn 0;", "kfree(b);")).frees == ()
    assert only(made("kfree(b->name);")).frees == ()


def test_the_gfp_parameter_is_found() -> None:
    assert only(made("a();", head="void *f(size_t n, gfp_t gfp)")).gfp == 1
    assert only(made("a();")).gfp is None


@pytest.mark.parametrize(
    "text", ["", "{", "}" * 9, "int f(", "int f(void)\n{", "f(\n{\n\tg((((", "\0"]
)
def test_nothing_makes_it_fail(text: str) -> None:
    list(definitions(text, header=False))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "linux"
    for folder in ("include/linux", "fs/box", "tools"):
        (root / folder).mkdir(parents=True)
    (root / "Makefile").write_text("VERSION = 6\nPATCHLEVEL = 99\nSUBLEVEL = 1\n")
    (root / "include/linux/box.h").write_text(
        "void *box_alloc(int n, gfp_t gfp);\n"
        "#define box_new(...) \\\n\talloc_hooks(box_alloc(__VA_ARGS__))\n"
        "struct box {\n\tstruct map __rcu *map;\n\tstruct map *plain;\n};\n"
    )
    (root / "fs/box/box.c").write_text(
        made("might_sleep();", head="static void wait_box(struct box *b)")
        + made("wait_box(b);", "return 0;", head="int box_sync(struct box *b)")
        + made("b->gone = true;", "kfree(b);", head="void box_free(int n, struct box *b)")
        + made("lockdep_assert_held(&b->lock);", head="void box_touch(struct box *b)")
        + made("p = kzalloc(8, GFP_KERNEL);", head="int box_grow(struct box *b)")
    )
    (root / "fs/box/user.c").write_text(
        made("box_sync(b);", head="void box_flush(struct box *b)")
        + made("wait_box(b);", head="void box_other(struct box *b)")
        + made("box_free(1, b);", head="void box_destroy(struct box *b)")
    )
    (root / "tools/box.c").write_text(made("might_sleep();", head="void tool(void)"))
    return root


@pytest.fixture
def own(tree: Path, tmp_path: Path) -> Iterator[Path]:
    out = tmp_path / "tables"
    build(tree, out)
    assert facts.use(out) == "6.99"
    yield out
    facts.use(None)


def test_a_build_says_what_it_found(tree: Path, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    counts = build(tree, tmp_path / "out", lambda done, all_: steps.append((done, all_)))
    assert isinstance(counts, Counts)
    assert (counts.version, counts.files, counts.functions, counts.rcu_fields) == ("6.99", 3, 8, 1)
    assert steps[-1] == (3, 3)


@pytest.mark.usefixtures("own")
def test_the_tables_of_the_tree_are_preferred() -> None:
    assert facts.sleeps("box_sync") == 1
    assert facts.sleeps("box_flush") == 2
    assert facts.sleeps("box_grow") == 0
    assert facts.sleeps("wait_box") is None  # static
    assert facts.sleeps("box_other") is None  # another wait_box
    assert facts.sleeps("tool") is None
    assert facts.freed_argument("box_free") == 1
    assert facts.freed_argument("box_destroy") == 0
    assert facts.required_locks("box_touch") == ("$0->lock",)
    assert (facts.gfp_argument("box_alloc"), facts.gfp_argument("box_new")) == (1, 1)
    field = facts.rcu_field("box", "map")
    assert field is not None
    assert field.pointee == "struct map"
    assert facts.rcu_field("box", "plain") is None
    assert facts.sleeps("msleep") == 0  # in every tree
    assert facts.sleeps("vfs_stat") is None  # not in this one
    assert facts.lock_call("mutex_lock") is not None  # a table that is not built


def test_without_own_tables_the_shipped_ones_count(own: Path) -> None:
    facts.use(None)
    assert facts.sleeps("box_sync") is None
    assert facts.sleeps("vfs_stat") is not None
    assert (own / "may_sleep.tsv").is_file()


def test_what_is_no_kernel_tree_or_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(FactsError, match="wanted a kernel tree"):
        build(tmp_path, tmp_path / "out")
    with pytest.raises(FactsError, match="no tables of facts"):
        facts.use(tmp_path)
    (tmp_path / facts.MARK).write_text("reviewer-facts-0 6.1\n")
    with pytest.raises(FactsError, match="build them again"):
        facts.use(tmp_path)


def test_a_directory_that_cannot_be_written_is_an_error(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FactsError, match="cannot write the tables"):
        build(tree, tmp_path / "file")
