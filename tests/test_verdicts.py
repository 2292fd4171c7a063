"""The verdict tables of frameworks, and the tool that records and compares them. No framework is needed here."""

from dataclasses import replace
from fnmatch import filter as matching

import pytest
from backproof.conformance.check.verdict import Cause, Miss, MissKind, Outcome, Verdict
from backproof.conformance.implementation.load import Implementation
from backproof.conformance.record.results import Ending, Result
from backproof.vectors import store
from backproof.vectors.dtypes import DTYPES
from verdicts import table
from verdicts.__main__ import ADAPTERS, RUNS, dtypes_of, main
from verdicts.page import PAGE, page
from verdicts.table import Explanation

TABLES = sorted(path.parent.name for path in table.FOLDER.glob(f"*/{table.FRAMEWORK}.yml"))
IMPLEMENTATION = Implementation("adapters.mine", "Mine", "1.0", {}, options={"jit": "true"})


def result(name, outcome=Outcome.PASSED, dtype="float32", **fields):
    misses = (Miss(MissKind.VALUE, False, 0, "loss is wrong"),) if outcome in table.MISSED else ()
    verdict = Verdict(f"double/{dtype}/{name}", "double", dtype, "forward", "required", outcome, 1, misses, **fields)
    return Result(f"vectors/double.h5::{dtype}/{name}", verdict, Ending.PASSED)


def of(*results):
    return table.of_run(IMPLEMENTATION, results, "1.0.0")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "FOLDER", tmp_path)
    return tmp_path


# The recorded tables


def test_every_run_has_a_table_and_every_table_a_run():
    assert sorted(RUNS) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_of_the_run_that_its_name_says(name):
    recorded, _ = table.read(name)
    run = recorded.pop(table.FRAMEWORK)
    adapter, *options = RUNS[name]
    assert run["adapter"] == ADAPTERS + adapter
    assert [f"{key}={value}" for key, value in run["options"].items()] == options
    assert set(recorded) <= set(store.golden_operations())
    for facts in recorded.values():
        assert list(facts) == ["conventions", *dtypes_of(name)]
        for cell in map(facts.get, dtypes_of(name)):
            assert set(cell) <= {*table.COLUMNS.values(), "worst"}
            assert cell.get("failed") or cell.get("worst", 0) <= 1


@pytest.mark.parametrize("name", TABLES)
def test_explanations_name_families_that_there_are_and_operations_that_miss_something(name):
    recorded, explanations = table.read(name)
    missing = {
        (op, dtype)
        for op, facts in recorded.items()
        for dtype in DTYPES
        if {"failed", "robust_miss"} & set(facts.get(dtype, ()))
    }
    ids = {op: [family.id for family in store.read_golden(op).families] for op in store.golden_operations()}
    explained = set()
    for explanation in explanations:
        assert explanation.because in (table.THEIRS, table.CONVENTION)
        assert explanation.why
        assert explanation.because != table.THEIRS or explanation.reproduction
        compile(explanation.reproduction, name, "exec")
        assert "backproof" not in explanation.reproduction
        for glob in explanation.families:
            ops = matching(ids, glob.partition("/")[0])
            matched = [id_ for op in ops for id_ in matching(ids[op], glob)]
            assert matched, glob
            explained |= {tuple(id_.split("/")[:2]) for id_ in matched}
    assert missing <= explained


def test_the_page_is_what_the_tables_say():
    assert page(RUNS) == PAGE.read_text(encoding="utf-8"), "write it anew: python -m tests.verdicts page"


def test_the_page_says_what_an_adapter_declares_and_which_runs_are_not_recorded(folder):
    words = {"relu": "fused", "": "stepwise", "dense": "fused"}
    precision = {f"{dtype}:{op}".rstrip(":"): word for dtype in ("float16", "bfloat16") for op, word in words.items()}
    table.record("mine", table.of_run(replace(IMPLEMENTATION, precision=precision), [], "1.0.0"))
    (section,) = [part for part in page(["mine"]).split("## ") if part.startswith("mine")]
    assert "in float16 and bfloat16 `fused` for `relu`, `dense`, `stepwise`." in section
    assert "Not recorded" in section


def test_the_page_leaves_out_explanations_of_operations_that_are_not_recorded(folder):
    table.record("mine", of(result("a")))
    path = folder / "mine" / "framework.yml"
    entries = [f'- families: ["{op}/*/a"]\n  because: theirs\n  why: as {op} has it\n' for op in ("double", "half")]
    path.write_text(path.read_text().rstrip("\n") + "\nexplained:\n" + "".join(entries))
    text = page(["mine"])
    assert "as double has it" in text
    assert "as half has it" not in text


def test_a_table_may_take_the_explanations_of_another_run(folder):
    def explain(name, text):
        table.record(name, of(result("a", Outcome.FAILED)))
        path = folder / name / "framework.yml"
        path.write_text(path.read_text().rstrip("\n") + f"\nexplained:\n{text}")

    explain("plain", '- families: ["double/*/a"]\n  because: theirs\n  why: it never did\n')
    explain("compiled", "- as: plain\n")
    _, explanations = table.read("compiled")
    assert explanations == (Explanation(("double/*/a",), "theirs", "it never did", run="plain"),)
    text = page(["plain", "compiled"])
    assert text.count("it never did") == 1
    assert "under [plain](#plain) is explained there" in text.partition("## compiled")[2]


# Recording


def test_a_table_counts_outcomes_and_keeps_one_digit_of_the_largest_fraction():
    made = of(
        result("a", fraction=0.5678),
        result("b", fraction=0.1),
        result("c", Outcome.ROBUST_MISS, fraction=1e9),
        result("d", Outcome.NOT_IMPLEMENTED, dtype="float16"),
    )
    assert made["double"]["float32"] == {"passed": 2, "robust_miss": 1, "worst": 0.6}
    assert made["double"]["float16"] == {"not_implemented": 1}
    assert made["framework"]["framework"] == "Mine 1.0"


def test_a_table_names_the_conventions_followed():
    made = of(result("a", point="slope", answers=("0", "1/2")), result("b", point="slope", answers=("1/2",)))
    assert made["double"]["conventions"] == {"slope": ["1/2"]}


def test_what_is_written_is_read_again(folder):
    made = of(result("a", fraction=0.03), result("b", Outcome.FAILED, point="slope", answers=("0",)))
    table.record("mine", made)
    assert table.read("mine") == (made, ())
    assert "float32: {passed: 1, failed: 1, worst: 0.03}\n" in (folder / "mine" / "double.yml").read_text()


def test_recording_again_keeps_what_is_written_by_hand_and_other_operations(folder):
    table.record("mine", of(result("a")))
    paths = [folder / "mine" / f"{part}.yml" for part in ("double", "framework", "other")]
    by_hand = '\nexplained:\n- families: ["double/*/a"]  # seen in 2.1 too\n  because: theirs\n  why: it is\n'
    for path in paths:
        path.write_text((path.read_text().rstrip("\n") if path.exists() else "conventions: {}") + by_hand)
    table.record("mine", of(result("a"), result("b")))
    assert all(path.read_text().endswith(by_hand) for path in paths)
    recorded, explanations = table.read("mine")
    assert recorded["double"]["float32"]["passed"] == 2
    assert recorded["other"] == {"conventions": {}}
    assert explanations == (Explanation(("double/*/a",), "theirs", "it is"),) * 3


def test_one_table_is_of_one_version_of_the_framework_and_of_the_vectors():
    newer = table.of_run(IMPLEMENTATION, [], "1.1.0")
    assert table.other_versions(of(), newer) == "Mine 1.0, vectors 1.0.0"
    assert not table.other_versions(newer, newer)
    assert not table.other_versions({}, newer)


# Comparing


def compared(before, now, *explanations):
    return list(table.compared(of(*before), of(*now), explanations, now))


def test_a_run_as_recorded_has_no_differences():
    results = [result("a", fraction=0.2), result("b")]
    assert compared(results, results) == []


@pytest.mark.parametrize(
    ("now", "line"),
    [
        ([result("a", Outcome.FAILED)], "double float32: recorded {passed: 1}, now {failed: 1}"),
        ([result("a", dtype="float64")], "double float32: recorded {passed: 1}, now null"),
        ([result("a"), result("a", dtype="float64")], "double float64: recorded null, now {passed: 1}"),
        ([result("a", point="slope", answers=("1",))], "double conventions: recorded {}, now {slope: ['1']}"),
    ],
)
def test_what_is_not_as_recorded_is_told(now, line):
    assert line in compared([result("a")], now)


@pytest.mark.parametrize(("fraction", "differs"), [(0.05, False), (0.2, False), (0.39, False), (0.5, True)])
def test_a_fraction_may_shrink_and_may_double(fraction, differs):
    assert bool(compared([result("a", fraction=0.2)], [result("a", fraction=fraction)])) is differs


def test_a_miss_needs_an_explanation_and_an_explanation_a_miss():
    results = [result("a", Outcome.FAILED), result("b", Outcome.ROBUST_MISS), result("c")]
    assert compared(results, results, Explanation(("double/*/b", "double/*/c"), "theirs", "why")) == [
        "double/float32/a: failed, and not explained: loss is wrong",
        "double/*/c: explained, but nothing that it matches is missed",
    ]


def test_a_run_need_not_miss_all_that_another_run_misses():
    taken = Explanation(("double/*/b", "double/*/c"), "theirs", "why", "raise AssertionError", run="plain")
    assert compared([result("c")], [result("c")], taken) == []
    results = [result("b", Outcome.FAILED), result("c")]
    (line,) = compared(results, results, taken)
    assert "its reproduction raised AssertionError" in line


def test_a_run_of_some_operations_is_held_to_what_concerns_them():
    recorded = of(result("a")) | {"other": {"float32": {"passed": 1}}}
    elsewhere = Explanation(("other/*/a",), "theirs", "why", "raise AssertionError")
    assert list(table.compared(recorded, of(result("a")), [elsewhere], [result("a")])) == []


def test_what_an_adapter_refuses_needs_an_explanation_and_what_has_no_tolerance_needs_none():
    refused = result("a", Outcome.UNSUPPORTED, cause=Cause.REFUSED, reason="it would never end")
    untold = result(
        "b", Outcome.UNSUPPORTED, cause=Cause.NO_TOLERANCE, reason="no tolerance is given at precision native"
    )
    (line,) = compared([refused, untold], [refused, untold])
    assert line == "double/float32/a: unsupported, and not explained: it would never end"
    assert compared([refused], [refused], Explanation(("double/*/a",), "theirs", "why")) == []


def test_what_a_machine_decides_may_miss_or_pass_and_nothing_else_may():
    missed, passed = result("a", Outcome.ROBUST_MISS), result("a")
    some = Explanation(("double/*/a",), "theirs", "why", "raise AssertionError", only_where="a processor has it")
    assert compared([missed, result("b")], [passed, result("b")], some) == []
    (line,) = compared([passed], [missed], some)
    assert "its reproduction raised AssertionError" in line
    other = result("b", Outcome.FAILED)
    assert compared([missed, result("b")], [passed, other], some) != []
    assert compared([missed], [result("a", Outcome.DECLARED)], some) == [
        "double float32: recorded {robust_miss: 1}, now {declared: 1}"
    ]


def test_a_reproduction_that_no_longer_holds_is_told():
    holds = Explanation(("a",), "theirs", "why", "import math\nassert math.isnan(math.nan)\n")
    broken = Explanation(("b",), "theirs", "why", "x = 1\nassert x == 2, 'mended'\n")
    assert list(table.not_reproduced([holds, broken])) == [
        "b: its reproduction raised AssertionError at \"assert x == 2, 'mended'\": mended"
    ]


@pytest.mark.parametrize("words", [[], ["compare"], ["look", "torch"], ["record", "theano"]])
def test_the_command_says_how_it_is_used(words, capsys):
    assert main(words) == 2
    said = "python -m tests.verdicts page|record NAME [OPERATION...]|compare NAME [OPERATION...], NAME of autograd, "
    assert capsys.readouterr().err.startswith(said)
