"""Where rules come from, and what each origin may do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from reviewer.diff.blobs import open_tree
from reviewer.run import Request, review
from reviewer.sources.origins import Origin, Setup, load_all, load_configured
from reviewer.sources.project import base_of, project_files, repository_of
from reviewer.trust import keep
from tests.own_rules import code, commit, data, of, own, patch, said, write
from tests.widget import git, isolate, set_global

if TYPE_CHECKING:
    from pathlib import Path

    from reviewer.sources.origins import Loaded


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch, tmp_path)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository whose HEAD has a rule as data, and one in Python that leaves a trace."""
    tree = tmp_path / "tree"
    write(tree, ".reviewer/rules/demo/data.toml", data())
    trace = tmp_path / "trace"
    text = code("give") + f"\nimport os\nos.mkdir({str(trace)!r})\n"
    write(tree, ".reviewer/rules/demo/code.py", text)
    write(tree, "drivers/demo.c", "int demo(struct demo *d)\n{\n\treturn 0;\n}\n")
    commit(tree)
    return tree


def of_tree(tree: Path, base: str | None = "HEAD") -> Loaded:
    return load_all(Setup(cwd=tree, tree=open_tree(tree), base=base))


def pin_all(tree: Path) -> None:
    opened = open_tree(tree)
    assert opened is not None
    files = project_files(opened, "HEAD").files
    keep(repository_of(opened), [file.pin for file in files if file.is_code])


def package(site: Path, name: str = "acme_rules", value: str = "acme_rules") -> None:
    """What pip leaves of a package with two rules and an entry point."""
    write(site, f"{name}/__init__.py", "raise RuntimeError('imported')\n")
    write(site, f"{name}/acme/data.toml", data())
    write(site, f"{name}/acme/code.py", code("give"))
    info = f"{name}-1.0.dist-info"
    write(site, f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    write(site, f"{info}/entry_points.txt", f"[reviewer.rules]\nacme = {value}\n")


def test_an_installed_package_brings_its_rules_without_being_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    loaded = load_all(Setup(cwd=tmp_path))
    assert own(loaded) == ["installed:acme/code", "installed:acme/data"]
    assert "acme_rules" not in sys.modules
    result = review(Request((str(patch(tmp_path)),), only=("installed:*",), cwd=tmp_path))
    rules = [each.rule for each in result.review.annotations]
    assert rules == ["installed:acme/data", "installed:acme/code"]


def test_rules_may_lie_in_a_package_within_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site", value="acme_rules.kernel")
    write(tmp_path / "site", "acme_rules/kernel/net/lost.toml", data())
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert own(load_all(Setup(cwd=tmp_path))) == ["installed:net/lost"]


def test_a_package_in_the_directory_one_stands_in_brings_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend("")
    assert own(load_all(Setup(cwd=tmp_path))) == []


def test_an_entry_point_that_names_no_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path / "site", value="no_such_package")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (problem,) = said(load_all(Setup(cwd=tmp_path)))
    assert problem == (
        "entry point acme of reviewer.rules: 'no_such_package' is no package that is installed"
    )


def test_the_users_own_directory_needs_no_setting(tmp_path: Path) -> None:
    write(tmp_path, "XDG_CONFIG_HOME/reviewer/rules/demo/lost_take.toml", data())
    assert own(load_configured(tmp_path, None)) == ["mine:demo/lost-take"]


def test_directories_are_taken_from_the_users_settings_alone(tmp_path: Path, tree: Path) -> None:
    write(tmp_path, "good/demo/data.toml", data())
    write(tmp_path, "evil/demo/code.py", code())
    set_global(tmp_path, "reviewer.rules", str(tmp_path / "good"))
    git(tree, "config", "reviewer.rules", str(tmp_path / "evil"))
    loaded = load_configured(tree, None)
    assert own(loaded) == ["mine:demo/data"]
    assert said(loaded) == []


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    directories = (tmp_path / "none", tmp_path)
    write(tmp_path, "demo/data.toml", data())
    loaded = load_all(Setup(directories=directories, cwd=tmp_path))
    assert own(loaded) == ["mine:demo/data"]
    assert said(loaded) == [f"mine rules: {tmp_path / 'none'}: wanted a directory of rules"]


def test_a_broken_rule_costs_only_itself_and_is_named_with_its_key(tmp_path: Path) -> None:
    path = write(tmp_path, "rules/demo/bad.toml", data().replace("severity", "sevrity"))
    write(tmp_path, "rules/demo/good.toml", data())
    loaded = of(tmp_path / "rules")
    assert own(loaded) == ["mine:demo/good"]
    wanted = f"rule {path}: sevrity: unknown key; the nearest is 'severity'"
    assert said(loaded) == [wanted]


def test_a_second_rule_of_one_id_is_named_and_the_first_stays(tmp_path: Path) -> None:
    for root in ("a", "b"):
        write(tmp_path, f"{root}/demo/data.toml", data(root))
    directories = (tmp_path / "a", tmp_path / "b")
    loaded = load_all(Setup(directories=directories, cwd=tmp_path))
    assert own(loaded) == ["mine:demo/data"]
    assert "mine:demo/data is also the id of" in said(loaded)[0]
    assert loaded.known[-1].rule.title == "Result of a() is lost"


def test_a_rule_of_a_user_never_replaces_a_shipped_one(tmp_path: Path) -> None:
    shipped = load_all(Setup(cwd=tmp_path)).known[0].rule
    write(tmp_path, f"rules/{shipped.id.replace('-', '_')}.toml", data())
    ids = [each.rule.id for each in of(tmp_path / "rules").known]
    assert {shipped.id, f"mine:{shipped.id}"} <= set(ids)


def test_data_of_a_repository_runs_and_its_code_does_not(tmp_path: Path, tree: Path) -> None:
    loaded = of_tree(tree)
    assert own(loaded) == ["project:demo/data"]
    assert said(loaded) == [
        "project rules: Python that is not trusted was not run: .reviewer/rules/demo/code.py; "
        "`reviewer rules trust` pins it"
    ]
    assert not (tmp_path / "trace").exists()


def test_trusted_code_runs_and_after_one_changed_byte_no_more(tmp_path: Path, tree: Path) -> None:
    pin_all(tree)
    assert own(of_tree(tree)) == ["project:demo/code", "project:demo/data"]
    (tmp_path / "trace").rmdir()
    path = tree / ".reviewer/rules/demo/code.py"
    path.write_text(path.read_text() + " ")
    commit(tree)
    assert own(of_tree(tree)) == ["project:demo/data"]
    assert not (tmp_path / "trace").exists()
    assert own(of_tree(tree, "HEAD^")) == ["project:demo/code", "project:demo/data"]


def test_trust_is_of_one_repository(tmp_path: Path, tree: Path) -> None:
    pin_all(tree)
    git(tmp_path, "clone", "-q", str(tree), str(tmp_path / "clone"))
    assert own(of_tree(tmp_path / "clone")) == ["project:demo/data"]


def test_a_damaged_list_of_trusted_files_trusts_nothing(tmp_path: Path, tree: Path) -> None:
    write(tmp_path, "home/.local/state/reviewer/trust.toml", "[[file]]\nrepository = 3\n")
    loaded = of_tree(tree)
    assert own(loaded) == ["project:demo/data"]
    assert any("trust.toml: an entry without repository, path, sha256" in p for p in said(loaded))


def test_the_work_tree_is_never_read(tree: Path) -> None:
    write(tree, ".reviewer/rules/demo/second.toml", data())
    write(tree, ".reviewer/rules/demo/data.toml", "broken")
    assert own(of_tree(tree)) == ["project:demo/data"]


def test_a_series_cannot_bring_the_rules_that_judge_it(tree: Path) -> None:
    write(tree, ".reviewer/rules/demo/data.toml", data("other"))
    write(tree, ".reviewer/rules/demo/more.toml", data("give"))
    write(
        tree,
        "drivers/demo.c",
        "int demo(struct demo *d)\n{\n\ttake(d);\n\tgive(d);\n\treturn 0;\n}\n",
    )
    commit(tree, "demo: take and give")
    result = review(Request(("HEAD^..",), cwd=tree))
    rules = [each.rule for each in result.review.annotations if ":" in each.rule]
    assert rules == ["project:demo/data"]
    assert "keep what take()" in result.review.annotations[0].finding.message


def test_links_and_odd_names_in_a_repository_are_no_rules(tmp_path: Path, tree: Path) -> None:
    write(tmp_path, "outside.toml", data())
    (tree / ".reviewer/rules/demo/link.toml").symlink_to(tmp_path / "outside.toml")
    (tree / ".reviewer/rules/linked").symlink_to(tmp_path)
    write(tree, ".reviewer/rules/demo/deep/data.toml", data())
    write(tree, ".reviewer/rules/top.toml", data())
    commit(tree)
    assert own(of_tree(tree)) == ["project:demo/data"]


def test_a_large_rule_of_a_repository_is_not_even_read(tree: Path) -> None:
    write(tree, ".reviewer/rules/demo/large.toml", data() + "#" * (1 << 20))
    commit(tree)
    loaded = of_tree(tree)
    assert own(loaded) == ["project:demo/data"]
    assert any("demo/large.toml" in p and "at most 65536" in p for p in said(loaded))


@pytest.mark.parametrize("base", [None, "HEAD~9", "0" * 40, "--help", "HEAD:"])
def test_without_a_base_there_are_no_rules_of_the_project(tree: Path, base: str | None) -> None:
    assert own(of_tree(tree, base)) == []


def test_a_repository_without_commits_has_no_rules(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "empty")
    assert own(of_tree(tmp_path / "empty")) == []


def test_the_base_is_the_commit_before_the_range() -> None:
    assert base_of(("aa", "^bb")) == "bb"
    assert base_of(("aa",)) is None


def test_settings_turn_rules_off_and_change_how_bad_they_are(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path, f"rules/demo/{name}.toml", data())
    set_global(tmp_path, "reviewer.rules", str(tmp_path / "rules"))
    set_global(tmp_path, "reviewer.rule.mine:*.severity", "error")
    set_global(tmp_path, "reviewer.rule.mine:*.confidence", "hunch")
    set_global(tmp_path, "reviewer.rule.mine:demo/two.enabled", "false")
    loaded = load_configured(tmp_path, None)
    one, two = (each for each in loaded.known if each.origin is Origin.MINE)
    assert (one.on, one.rule.severity.name, one.rule.confidence.name) == (True, "ERROR", "HUNCH")
    assert (two.on, two.rule.severity.name) == (False, "ERROR")
    assert two.rule not in loaded.rules
    assert [each.id for each in loaded.select(["mine:demo/two"], [])] == ["mine:demo/two"]
    assert [each.id for each in loaded.select(["mine:*"], [])] == ["mine:demo/one"]


def test_settings_that_fit_no_rule_are_told(tmp_path: Path) -> None:
    set_global(tmp_path, "reviewer.rule.lockin", "off")
    assert said(load_configured(tmp_path, None)) == [
        "setting reviewer.rule: no rule fits 'lockin'; the nearest is 'locking'",
    ]
