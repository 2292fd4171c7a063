"""The page of a run, as it is read without a browser."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from backproof.conformance.check.conventions import Followed, FollowedBy
from backproof.conformance.check.heatmap import Heatmap
from backproof.conformance.check.verdict import Miss, MissKind, Outcome
from backproof.conformance.diagnosis.findings import Diagnosis, Finding
from backproof.conformance.pages.page import MOST_OF_A_GROUP, run_page
from backproof.conformance.record.contents import Progress, RunRecord
from backproof.conformance.record.results import Ending
from backproof.vectors.records import Answer, Flag
from html_reader import Element, read_html
from run_records import absent, failure, family, record

PICTURE = Heatmap("dL_dweights", 3, (2, 2), 2, 2, ((0.5, "nan"), (4e9, "exact")))
WRONG = Miss(MissKind.VALUE, False, 3, "dL_dweights is wrong", ("worst at [1, 0]: got 1, expected 2",), PICTURE)
DIAGNOSIS = Diagnosis("dense", "backward", (Finding("dense.x", "Is wrong.", "mend it."),))


def html(run: RunRecord) -> Element:
    return read_html(run_page(run))


def matrix(run: RunRecord) -> dict[str, list[str]]:
    """The words of the glance by operation."""
    rows = html(run).one("table", kind="matrix").all("tr")[1:]
    return {row.one("th").text(): [cell.text() for cell in row.all("td")] for row in rows}


def every_kind() -> RunRecord:
    """A run in which there is something of everything to show."""
    robust = Miss(MissKind.VALUE, True, 0, "NaN where 0 is due")
    refused = Miss(MissKind.REFUSED_LAYOUT, True, 0, "read-only arguments are refused")
    return record(
        family(0, fraction=0.25, misses=(refused,)),
        failure(1, WRONG),
        failure(2, Miss(MissKind.RAISED, False, 0, "case 0 raised ValueError: no")),
        family(3, ending=Ending.ROBUST_MISS, outcome=Outcome.ROBUST_MISS, misses=(robust,), note="robust miss: NaN"),
        family(4, ending=Ending.EXPECTED_FAILURE, outcome=Outcome.FAILED, misses=(WRONG,), note="to be mended"),
        family(5, ending=Ending.SKIPPED, outcome=Outcome.UNSUPPORTED, note="unsupported: no such labels", ulps=None),
        family(6, point="slope", answers=("0",)),
        absent(7, dtype="bfloat16"),
        not_run=3,
        diagnoses=(DIAGNOSIS,),
        problems=("known.txt:3: matches nothing",),
        answers=(Answer("slope", "0", True, "nothing passes"), Answer("slope", "1", False, "all passes")),
    )


EVERY_RUN = {
    "passing": record(family(1, fraction=0.5)),
    "failing": record(family(0), failure(1, WRONG)),
    "everything": every_kind(),
    "empty": record(),
    "partial": record(family(1), absent(2, op="relu"), not_asked=4),
    "interrupted": record(family(1), not_run=5, state=Progress.INTERRUPTED, reason="Ctrl-C"),
    "killed": record(not_run=9, state=Progress.RUNNING, ended=None, exit_status=None),
}


@pytest.fixture(params=EVERY_RUN.values(), ids=list(EVERY_RUN))
def run(request: pytest.FixtureRequest) -> RunRecord:
    found: RunRecord = request.param
    return found


def test_any_page_has_a_title_landmarks_and_headings_in_order(run: RunRecord) -> None:
    root = html(run)
    assert root.one("title").text().startswith("my layers ")
    assert [len(root.all(tag)) for tag in ("header", "nav", "main", "footer", "h1")] == [1] * 5
    levels = [int(element.tag[1]) for element in root.all() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert all(then <= before + 1 for before, then in pairwise(levels))


def test_any_page_is_whole_in_itself(run: RunRecord) -> None:
    root = html(run)
    assert not {"script", "img", "iframe", "object", "video"} & {element.tag for element in root.all()}
    assert [element["href"] for element in root.all("link")] == ["data:,"]
    assert not re.search(r"url\(|@import", root.one("style").inside[0])
    assert "default-src 'none'" in root.all("meta", **{"http-equiv": "Content-Security-Policy"})[0]["content"]


def test_any_link_within_a_page_leads_somewhere(run: RunRecord) -> None:
    root = html(run)
    ids = [element["id"] for element in root.all() if element["id"]]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in root.all("a") if a["href"].startswith("#")} <= set(ids)
    named = [element["aria-labelledby"] for element in root.all() if element["aria-labelledby"]]
    assert set(named) <= set(ids)


def test_any_head_of_a_table_says_what_it_is_the_head_of(run: RunRecord) -> None:
    assert all(head["scope"] in ("row", "col") for head in html(run).all("th"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("passing", "Conforms. 1 family passes, none fails."),
        ("failing", "Does not conform. 1 of 2 families that ran fails: in dense_backward."),
        ("empty", "Undecided. No family fails, and yet the run did: none passes."),
        ("partial", "Conforms in part. 0 of 2 operations, 1 of 6 families pass, none fails."),
        ("interrupted", "Did not complete. The run was interrupted (Ctrl-C); 5 families were not reached."),
        ("killed", "Did not complete. The run was still going, or was killed, when this was written;"),
    ],
)
def test_the_answer_is_at_the_top(name: str, words: str) -> None:
    header = html(EVERY_RUN[name]).one("header")
    assert header.one("p", kind="answer").text().startswith(words)


def test_a_failing_run_that_did_not_complete_says_both() -> None:
    root = html(record(failure(1), not_run=2, state=Progress.INTERRUPTED, reason="-x"))
    words = [answer.text().partition(".")[0] for answer in root.all("p", kind="answer")]
    assert words == ["Does not conform", "Did not complete"]


def test_the_glance_says_in_words_how_each_operation_stands_at_each_dtype() -> None:
    run = record(
        family(1, op="dense", dtype="float64"),
        failure(2, op="dense", dtype="float32"),
        family(3, op="dense", dtype="float32"),
        absent(4, op="dense", dtype="bfloat16"),
        family(5, op="relu", dtype="float64"),
        absent(6, op="relu", dtype="float64"),
        family(7, op="relu", dtype="float32", ending=Ending.ROBUST_MISS, outcome=Outcome.ROBUST_MISS),
        family(8, op="relu", dtype="float32"),
        family(9, op="relu", dtype="bfloat16", ending=Ending.SKIPPED, outcome=Outcome.UNSUPPORTED),
        family(9, op="mlp", dtype="float64", ending=Ending.EXPECTED_FAILURE, outcome=Outcome.FAILED),
    )
    assert matrix(run) == {
        "dense": ["\u2713 passes", "\u2717 fails 1 of 2", "\u2013 not implemented"],
        "relu": ["\u2713 passes in part", "\u2713 passes, robust misses", "\u2013 unsupported"],
        "mlp": ["\u2717 fails as expected", "no vectors", "no vectors"],
    }
    assert matrix(record(not_run=3))["double"] == ["\u00b7 not run"]


def test_operations_that_are_nowhere_implemented_are_counted_below_the_glance() -> None:
    run = record(family(1), absent(2, op="relu"), absent(3, op="mlp"), absent(4, op="mlp", dtype="float64"))
    assert list(matrix(run)) == ["dense"]
    (told,) = [p.text() for p in html(run).all("p") if p.text().startswith("Not implemented:")]
    assert told == "Not implemented: 2 operations."


def test_each_failing_function_leads_to_its_first_failures() -> None:
    root = html(every_kind())
    functions = root.one("section", **{"aria-labelledby": "failures"}).all("ul")[0].all("a")
    assert [a.text() for a in functions] == ["dense_backward"]
    (title,) = [element for element in root.all("h3") if element["id"] == functions[0]["href"][1:]]
    assert title.text().startswith("dense_backward: wrong values")


def test_code_in_a_diagnosis_is_code() -> None:
    wrong, cure = "`dL_dbiases = a < b` where `sum(axis=0)` is due.", "write `sum(axis=0)`."
    diagnosis = Diagnosis("dense", "backward", (Finding("dense.biases", wrong, cure),))
    box = html(record(failure(1), diagnoses=(diagnosis,))).one("div", kind="diagnosis")
    assert [code.text() for code in box.all("code")] == [
        "dense.biases",
        "dL_dbiases = a < b",
        "sum(axis=0)",
        "sum(axis=0)",
    ]
    assert "`" not in box.text()


def test_each_cell_leads_to_what_there_is_to_say_of_it() -> None:
    root = html(every_kind())
    cell = next(a for a in root.one("table", kind="matrix").all("a") if "fails" in a.text())
    (row,) = [element for element in root.all() if element["id"] == cell["href"][1:]]
    assert "2 passed, 2 failed, 1 expected failure, 1 robust miss, 1 unsupported, 3 not run" in row.text()
    assert [a.text() for a in row.all("a")] == ["dense_backward: wrong values", "dense_backward: exceptions"]


def test_how_close_to_the_bound_is_counted_in_bins() -> None:
    fractions = (0.0, 0.005, 0.25, 0.3, 1.0)
    exact = Miss(MissKind.VALUE, False, 0, "wrong where the exact value is due")
    root = html(
        record(
            *(family(number, fraction=fraction) for number, fraction in enumerate(fractions)),
            family(10, fraction=None),
            failure(11, fraction=2.0),
            failure(12, exact, fraction=None),
            family(13, fraction=5.0, ending=Ending.ROBUST_MISS, outcome=Outcome.ROBUST_MISS),
            family(14, fraction=None, ulps=None),
        )
    )
    table = root.one("table", kind="bounds")
    heads = [head.text() for head in table.all("th", kind="bin")]
    assert heads == [
        "0",
        "up to 0.01",
        "up to 0.1",
        "up to 0.3",
        "up to 1, the bound",
        "up to 10",
        "up to 1000",
        "more",
    ]
    assert [cell.text() for cell in table.all("td", kind="bin")] == ["2", "1", "0", "2", "1", "1", "0", "1"]


def told(run: RunRecord, cell: str) -> str:
    """What is said of an operation at a dtype."""
    (row,) = [element for element in html(run).all() if element["id"] == cell]
    return row.text()


def test_the_strictest_precision_that_was_met_is_told_of_each_operation_and_dtype() -> None:
    fused, stepwise = {"fused": True, "stepwise": True}, {"fused": False, "stepwise": True}
    wrong = replace(WRONG, looser="stepwise")
    families = (
        family(0, dtype="bfloat16", kept=fused),
        family(1, op="mlp", dtype="bfloat16", kept=stepwise, fraction=0.5),
        failure(2, wrong, op="relu", dtype="bfloat16", kept=stepwise),
        family(3, dtype="float64", kept={"float64": True}),
    )
    run = record(*families)
    assert "met fused" in told(run, "dense-bfloat16")
    assert "declared" not in told(run, "dense-bfloat16")
    assert "met stepwise; declared fused" in told(run, "mlp-bfloat16")
    assert 'if every step is rounded to bfloat16, declare precision = {"bfloat16:relu": "stepwise"}' in told(
        run, "relu-bfloat16"
    )
    faulty = record(*families, diagnoses=(replace(DIAGNOSIS, op="relu"),))
    assert "declare precision" not in told(faulty, "relu-bfloat16")
    assert "met" not in told(run, "dense-float64")


def test_a_failure_is_told_with_all_that_helps() -> None:
    root = html(record(failure(1, WRONG), failure(2, WRONG), diagnoses=(DIAGNOSIS,)))
    group = root.one("section", kind="group")
    assert group.one("h3").text() == "dense_backward: wrong values (2 families, float32)"
    assert "Looks like dense.x: Is wrong. Cure: mend it." in group.one("div", kind="diagnosis").text()
    first, second = group.all("details")
    assert ["open" in details.attributes for details in (first, second)] == [True, False]
    assert first.one("h4").text() == "dense/float32/backward-random-n1"
    words = first.text()
    assert "worst at [1, 0]: got 1, expected 2" in words
    assert "The family: a family of no size (reduction = mean)" in words
    assert "steps are too short (kind of bug: missing factor; source of two-words)" in words
    assert [code.text() for p in first.all("p", kind="command") for code in p.all("code")] == [
        "backproof show 'vectors/dense.h5::float32/backward-random-n1#3'",
        "pytest --impl=mypkg.adapter vectors/dense.h5::float32/backward-random-n1",
    ]


def test_a_small_tensor_is_shown_in_numbers() -> None:
    figure = html(record(failure(1, WRONG))).one("figure")
    assert [cell.text() for cell in figure.all("td")] == ["0.5", "NaN", "4e9", "exact due"]
    assert [cell["class"] for cell in figure.all("td")] == ["level-1", "level-6", "level-5", "level-6"]
    assert "3 of 4 cells are beyond the bound; the worst is" in figure.one("figcaption").text()


def test_a_large_tensor_is_drawn() -> None:
    cells = tuple(tuple(2.0 if (r, c) == (30, 4) else 0.0 for c in range(32)) for r in range(31))
    large = Heatmap("outputs", 0, (2, 62, 900), 124, 900, cells)
    figure = html(record(failure(1, Miss(MissKind.VALUE, False, 0, "wrong", (), large)))).one("figure")
    drawing = figure.one("svg")
    assert drawing["aria-label"] == "1 of 992 cells are beyond the bound; the worst is 2 in row 31, column 5"
    shapes = {path["class"]: path["d"] for path in drawing.all("path")}
    assert shapes["level-2"] == "M4 30h1v1h-1z"
    assert shapes["level-0"].count("M") == 32
    assert "2 x 62 x 900, as 124 rows of 900, reduced to 31 x 32 cells" in figure.text()
    assert "up to 10 times" in figure.one("ul", kind="legend").text()


def test_of_many_failures_a_few_are_shown_whole_and_all_are_named() -> None:
    text = run_page(record(*(failure(number, WRONG) for number in range(3000))))
    root = read_html(text)
    assert len(root.all("div", kind="failure")) == MOST_OF_A_GROUP
    assert all(f"backward-random-n{number}<" in text for number in range(3000))
    assert "and 2,990 more of this kind, by name" in root.text()
    assert len(text) < 500_000


def test_every_kind_of_failure_is_shown_once_at_least() -> None:
    kinds = [failure(n, Miss(MissKind.RAISED, False, 0, f"is wrong in way {n}"), op=f"op{n}") for n in range(300)]
    root = html(record(*kinds))
    assert len(root.all("div", kind="failure")) == 300


def test_what_neither_passed_nor_failed_is_told_in_short() -> None:
    root = html(every_kind())
    section = root.one("section", **{"aria-labelledby": "forgiven"})
    heads = [head.text() for head in section.all("h3")]
    assert heads == [
        "Robust misses",
        "Expected failures",
        "Layouts refused",
        "Unsupported or declared",
        "Not implemented",
        "Not run",
    ]
    words = section.text()
    assert "dense_backward: read-only arguments are refused (1 family)" in words
    assert "dense_backward: unsupported: no such labels (1 family)" in words
    assert "vectors/dense.h5::float32/backward-random-n4: to be mended" in words


def test_conventions_are_explained() -> None:
    root = html(every_kind())
    words = root.one("dl", kind="conventions").text()
    assert words == "slope (1 family) \u2713 0: nothing passes as right: 1, all passes"


def test_a_point_on_which_families_disagree_is_undecided() -> None:
    families = [family(n, point="slope", answers=answers) for n, answers in ((1, ("0",)), (2, ()))]
    one, other = (each.result.verdict.id for each in families)
    torn = Followed("slope", (), (one,), (other,), (FollowedBy(families[0].result.verdict.op, ()),))
    root = html(record(*families, conventions=(torn,), answers=(Answer("slope", "0", True, "nothing passes"),)))
    words = root.one("dl", kind="conventions").text()
    assert f"\u2717 undecided: 0 in {one}; no known answer in {other}" in words


def test_a_robust_family_that_follows_no_answer_is_told_beside_the_one_that_is_followed() -> None:
    families = [family(n, point="slope", answers=answers) for n, answers in ((1, ("0",)), (2, ()))]
    one, other = (each.result.verdict.id for each in families)
    named = Followed("slope", ("0",), (one,), (other,), (FollowedBy(families[0].result.verdict.op, ("0",)),))
    root = html(record(*families, conventions=(named,), answers=(Answer("slope", "0", True, "nothing passes"),)))
    words = root.one("dl", kind="conventions").text()
    assert f"\u2713 0: nothing passes no known answer in {other} as right" in words


def test_operations_that_follow_different_answers_are_named() -> None:
    each = ((1, "0", "relu"), (2, "1", "mlp"))
    families = [family(n, point="slope", answers=(answer,), op=op) for n, answer, op in each]
    root = html(record(*families, answers=(Answer("slope", "0", True, "nothing passes"),)))
    words = root.one("dl", kind="conventions").text()
    assert words.startswith("slope (2 families) \u2713 0 in relu, 1 in mlp as right: 0, nothing passes")


def test_what_an_implementation_says_is_never_taken_for_html() -> None:
    evil = "<script>alert(1)</script>"
    miss = Miss(MissKind.VALUE, False, 0, evil, (evil,))
    base = record(failure(1, miss))
    tested = vars(base.implementation) | {"name": evil, "version": evil, "argument": f"--impl={evil}"}
    run = record(
        failure(1, miss, op=evil),
        family(2, ending=Ending.SKIPPED, outcome=Outcome.UNSUPPORTED, note=evil, op="relu"),
        implementation=type(base.implementation)(**tested),
        flags=(Flag("two-words", evil, evil, "javascript:alert(1)"),),
        diagnoses=(Diagnosis(evil, "backward", (Finding(evil, evil, evil),)),),
        problems=(evil,),
    )
    root = html(run)
    assert root.one("title").text() == f"{evil} does not conform - backproof"
    assert root.one("h1").text() == f"{evil} {evil}"
    assert not root.all("script")
    assert not [a for a in root.all("a") if a["href"].startswith("javascript")]


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "http://[", "/etc/passwd", "data:text/html,x"])
def test_a_source_that_is_no_address_of_the_web_is_no_link(link: str) -> None:
    root = html(record(failure(1, WRONG), flags=(Flag("two-words", "a kind", "an effect", link),)))
    assert root.one("dl", kind="flags").all("a") == []


def test_the_versions_stand_at_the_foot() -> None:
    words = html(record(family(1))).one("footer").text()
    assert "2026-01-31 12:00:00 UTC, 1.0 s" in words
    assert "backproof 0.1.0, CPython 3.11.0, NumPy 2.0.0, h5py 3.10.0, pytest 8.2.0" in words
    assert "SHA-256 of the manifest " + "0" * 64 in words
