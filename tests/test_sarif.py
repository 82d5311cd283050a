"""SARIF for code scanning: valid by the standard's own schema, and with everything we know."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reviewer.library import load_shipped
from reviewer.model import Fix, Problem, Safety, Severity, Status
from reviewer.report import sarif
from reviewer.review import EVERYTHING, Threshold
from reviewer.run import Request, Result, review
from tests.command import THREADS
from tests.findings import PATH, annotation, result

# The schema may be copied but not changed, so it is not in this repository. Where to get it:
# https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
SCHEMA = os.environ.get("SARIF_SCHEMA", "")

DIFF = (
    f"--- a/{PATH}\n+++ b/{PATH}\n@@ -11,3 +11,3 @@ int fire(void)\n"
    " \tcool(kiln);\n-\tif (kiln->hot)\n+\tif (READ_ONCE(kiln->hot))\n \t\treturn;\n"
)


def log(of: Result, threshold: Threshold = EVERYTHING) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(sarif.render(of, threshold))
    return read


def only(of: Result, threshold: Threshold = EVERYTHING) -> dict[str, Any]:
    """The one finding of the one run."""
    (run,) = log(of, threshold)["runs"]
    (found,) = run["results"]
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def thread() -> Result:
    target = str(THREADS / "demo-close-all" / "thread.mbox")
    return review(Request((target,), use_tree=False))


def test_the_official_schema_accepts_a_thread_and_every_kind_of_finding(thread: Result) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="the extra `dev` is not installed")
    if not SCHEMA:
        pytest.skip("SARIF_SCHEMA does not name a copy of sarif-schema-2.1.0.json")
    schema = json.loads(Path(SCHEMA).read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    validator = kind(schema, format_checker=kind.FORMAT_CHECKER)
    fix = Fix("read it once", Safety.SAFE, DIFF)
    every = [annotation(status=status, note="here", fix=fix) for status in Status]
    odd = annotation("\ud800 {0} [a](b) \x1b", path="a b/%41:ä\udcff.c", code="", last=20)
    written = result(
        *every, odd, problems=(Problem("mail", "odd"),), failures=("no",), labels=("v1", "v2")
    )
    for each in (thread, written, result()):
        assert [str(error) for error in validator.iter_errors(log(each))] == []


def test_each_revision_is_a_run_with_the_pages_of_its_rules(thread: Result) -> None:
    runs = log(thread, Threshold())["runs"]
    revisions = [run["properties"]["revision"] for run in runs]
    assert revisions == ["v2", "v2.1", "v2.2", "v3"]
    assert len({run["automationDetails"]["id"] for run in runs}) == 4
    (page,) = runs[1]["tool"]["driver"]["rules"]
    (rule,) = (each for each in load_shipped() if each.id == "rcu/bulk-swap")
    assert page["id"] == rule.id
    assert page["help"]["text"] == rule.explanation
    assert page["shortDescription"]["text"] == rule.title
    (found,) = runs[1]["results"]
    assert runs[1]["tool"]["driver"]["rules"][found["ruleIndex"]]["id"] == found["ruleId"]


def test_a_rule_page_links_to_the_kernels_documentation() -> None:
    rules = [replace(each, links=("https://docs.kernel.org/x y.html",)) for each in load_shipped()]
    read = json.loads(sarif.render(result(annotation()), EVERYTHING, rules))
    (page,) = read["runs"][0]["tool"]["driver"]["rules"]
    assert page["helpUri"] == "https://docs.kernel.org/x%20y.html"


def test_a_rule_that_is_not_shipped_is_known_by_its_id() -> None:
    (run,) = log(result(annotation(rule="mine:kiln/hot")))["runs"]
    assert run["tool"]["driver"]["rules"] == [{"id": "mine:kiln/hot"}]


def test_a_finding_has_its_place_and_can_be_followed_from_run_to_run() -> None:
    found = only(result(annotation(severity=Severity.NOTE)))
    place = found["locations"][0]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == PATH
    region = place["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"], region["endColumn"]) == (12, 2, 16)
    assert place["logicalLocations"] == [{"name": "fire", "kind": "function"}]
    assert found["partialFingerprints"] == {"reviewer/v1": "0123456789abcdef"}
    assert (found["level"], found["properties"]["confidence"]) == ("note", "likely")


def test_evidence_is_a_related_location() -> None:
    (related,) = only(result(annotation(note="readers look here")))["relatedLocations"]
    assert related["message"]["text"] == "readers look here (before the patch)"
    assert related["physicalLocation"]["region"]["startLine"] == 30


def test_what_was_wrong_before_is_unchanged_and_what_is_mended_is_absent() -> None:
    states = {status: annotation(status=status) for status in Status}
    of = result(*states.values())
    (run,) = log(of)["runs"]
    assert [each["baselineState"] for each in run["results"]] == ["new", "unchanged", "absent"]
    assert only(of, Threshold())["baselineState"] == "new"


def test_a_fix_with_a_diff_is_an_edit_of_whole_lines() -> None:
    (fix,) = only(result(annotation(fix=Fix("read it once", Safety.SUGGEST, DIFF))))["fixes"]
    assert fix["description"]["text"] == "read it once"
    (change,) = fix["artifactChanges"]
    (edit,) = change["replacements"]
    assert change["artifactLocation"]["uri"] == PATH
    assert edit["deletedRegion"] == {
        "startLine": 11,
        "startColumn": 1,
        "endLine": 14,
        "endColumn": 1,
    }
    assert edit["insertedContent"]["text"].splitlines()[1] == "\tif (READ_ONCE(kiln->hot))"


@pytest.mark.parametrize(
    "fix",
    [
        Fix("think again"),
        Fix("read it once", Safety.SKETCH, DIFF),
        Fix("read it once", Safety.SAFE, "not a diff"),
    ],
)
def test_a_fix_that_cannot_be_applied_is_said_in_the_message(fix: Fix) -> None:
    found = only(result(annotation("it is hot", fix=fix)))
    assert "fixes" not in found
    assert found["message"]["text"] == f"it is hot. Fix: {fix.title}."


def test_a_path_is_a_relative_uri_whatever_its_characters() -> None:
    found = only(result(annotation(path="a b/100%:#?[x].c")))
    place = found["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": "a%20b/100%25%3A%23%3F%5Bx%5D.c", "uriBaseId": "SRCROOT"}


def test_code_in_a_message_is_no_link_and_no_placeholder() -> None:
    text = only(result(annotation("ops[i](dev) = {0}")))["message"]["text"]
    assert text == "ops[i] (dev) = {{0}}."


def test_what_could_not_be_done_is_in_the_log() -> None:
    of = result(problems=(Problem("mail 2", "no diff"),), failures=("x: no such file",))
    (run,) = log(of)["runs"]
    (invocation,) = run["invocations"]
    said = [each["message"]["text"] for each in invocation["toolExecutionNotifications"]]
    assert said == ["x: no such file", "mail 2: no diff"]
    assert not invocation["executionSuccessful"]
