"""What is installed: the wheel carries rules and fixtures, and works without a checkout."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An sdist of what git tracks, and a wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def tracked(directory: str) -> set[str]:
    done = subprocess.run(
        ["git", "ls-files", directory], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_wheel_has_one_package_with_all_rules_and_their_fixtures(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    installed = [name for name in names if ".dist-info/" not in name and ".data/data/" not in name]
    assert {name.partition("/")[0] for name in installed} == {"reviewer"}
    shared = {name.partition(".data/data/")[2] for name in names if ".data/data/" in name}
    assert {"share/man/man1/reviewer.1", "share/zsh/site-functions/_reviewer"} <= shared
    packed = {name.removeprefix("reviewer/_data/") for name in names if "/_data/" in name}
    assert tracked("rules") | tracked("fixtures/rules") <= packed
    assert {name for name in names if name.startswith("reviewer/c/data/")}


def test_the_sdist_has_what_the_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked("fixtures") | tracked("tests") <= names


def test_an_installed_wheel_reviews_without_the_checkout(built: Path, tmp_path: Path) -> None:
    """The dependencies are those of this environment; only the package itself is installed."""
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    thread = ROOT / "fixtures" / "threads" / "ring-stopped" / "thread.mbox"
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n" + (
        "import reviewer, reviewer.cli; print(reviewer.__file__)\n"
        f"raise SystemExit(reviewer.cli.main(['run', '--no-tree', {str(thread)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert str(tmp_path) in done.stdout, done.stderr
    assert "locking/missing-unlock" in done.stdout
    assert done.returncode == 1
