"""Records go into a file and come back the same, and the same records make the same bytes."""

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from backproof.vectors import hdf5, store
from backproof.vectors.dtypes import DTYPES
from backproof.vectors.records import Answer, Expectation, Family, Flag, OperationVectors, Parameter, VectorError
from backproof.vectors.writing import to_tree
from synthetic_vectors import assert_same, every_feature, families_of, many_families


@pytest.fixture
def vectors() -> OperationVectors:
    return every_feature()


@pytest.fixture
def path(tmp_path: Path, vectors: OperationVectors) -> Path:
    path = tmp_path / "loss.h5"
    store.write(path, vectors)
    return path


def with_family(vectors: OperationVectors, name: str, **changes: object) -> OperationVectors:
    """The vectors with something else in the families of one name."""
    families = tuple(replace(f, **changes) if f.name == name else f for f in vectors.families)  # type: ignore[arg-type]
    return replace(vectors, families=families)


BYTES_OF_EVERY_FEATURE = "fd5eb38a2ab13071337163cc64bd77250d5816da52ab75e3e6390461a5c0bdaa"


def family_named(vectors: OperationVectors, id_: str) -> Family:
    return next(family for family in vectors.families if family.id == id_)


def test_every_feature_survives_the_round_trip(path: Path, vectors: OperationVectors) -> None:
    assert_same(store.read(path), vectors)


def test_vectors_as_many_as_the_golden_ones_survive_the_round_trip(tmp_path: Path) -> None:
    many = many_families("dense", families=40, elements=30)
    store.write(tmp_path / "dense.h5", many)
    assert_same(store.read(tmp_path / "dense.h5"), many)


def test_an_operation_without_families_flags_or_answers_survives_the_round_trip(
    tmp_path: Path, vectors: OperationVectors
) -> None:
    bare = replace(vectors, families=(), flags=(), answers=(), aliases={})
    store.write(tmp_path / "loss.h5", bare)
    assert_same(store.read(tmp_path / "loss.h5"), bare)


def test_families_may_come_from_a_generator(tmp_path: Path, vectors: OperationVectors) -> None:
    store.write(tmp_path / "loss.h5", replace(vectors, families=iter(vectors.families)))
    assert_same(store.read(tmp_path / "loss.h5"), vectors)


def test_families_of_mixed_dtypes_come_back_by_dtype_in_their_own_order(
    tmp_path: Path, vectors: OperationVectors
) -> None:
    backwards = replace(vectors, families=tuple(vectors.families)[::-1])
    store.write(tmp_path / "loss.h5", backwards)
    ids = [family.id for family in store.read(tmp_path / "loss.h5").families]
    assert ids == [family.id for dtype in DTYPES for family in backwards.families if family.dtype == dtype]


def test_tensors_are_read_only_views(path: Path) -> None:
    for family in store.read(path).families:
        for tensor in [*family.inputs.values(), *family.answer.expected.values()]:
            assert tensor.base is not None
            assert not tensor.flags.writeable
            assert tensor.flags.aligned
            assert tensor.flags.c_contiguous


def test_index_labels_are_int64_and_rows_of_labels_have_the_dtype_of_the_case(path: Path) -> None:
    vectors = store.read(path)
    assert family_named(vectors, "loss/float16/forward-indices").inputs["labels"].dtype == np.int64
    assert family_named(vectors, "loss/float16/forward-one-hot").inputs["labels"].dtype == np.float16


def test_bfloat16_is_kept_bit_by_bit(tmp_path: Path, vectors: OperationVectors) -> None:
    one = family_named(vectors, "loss/bfloat16/forward-indices")
    every_pattern = np.arange(2**16, dtype=np.uint16).reshape(1, 2**15, 2).view(one.inputs["scores"].dtype)
    labels = np.zeros((1, 2**15), np.int64)
    result = {"loss": np.zeros(1)}
    whole = replace(
        one,
        count=1,
        inputs={"scores": every_pattern, "labels": labels},
        answer=Expectation(result, {"fused": result}),
    )
    store.write(tmp_path / "loss.h5", replace(vectors, families=(whole,)))
    (family,) = store.read(tmp_path / "loss.h5").families
    assert np.array_equal(family.inputs["scores"].view(np.uint16), every_pattern.view(np.uint16))


def test_bits_of_nan_and_the_sign_of_zero_are_kept(tmp_path: Path, vectors: OperationVectors) -> None:
    loss = np.array([0x7FF8_0000_0000_0123, 1 << 63, 1], np.uint64).view(np.float64)
    answer = Expectation({"loss": loss}, {"float64": {"loss": np.zeros(3)}})
    one = replace(family_named(vectors, "loss/float64/forward-indices"), answer=answer)
    store.write(tmp_path / "loss.h5", replace(vectors, families=(one,)))
    (family,) = store.read(tmp_path / "loss.h5").families
    assert family.answer.expected["loss"].tobytes() == loss.tobytes()


def test_the_same_records_make_the_same_bytes(path: Path, tmp_path: Path, vectors: OperationVectors) -> None:
    again = tmp_path / "under another name"
    store.write(again, vectors)
    assert again.read_bytes() == path.read_bytes()


def test_what_was_read_makes_the_same_bytes(path: Path, tmp_path: Path) -> None:
    store.write(tmp_path / "again.h5", store.read(path))
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_another_process_makes_the_same_bytes(path: Path, tmp_path: Path) -> None:
    script = (
        "import sys, synthetic_vectors; from backproof.vectors import store; "
        "store.write(sys.argv[1], synthetic_vectors.every_feature())"
    )
    tests = Path(__file__).parents[1] / "support"
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "other.h5"],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), *sys.path]), "PYTHONHASHSEED": "1"},
        cwd=tmp_path,
    )
    assert (tmp_path / "other.h5").read_bytes() == path.read_bytes()


def test_the_bytes_are_those_of_every_release_of_the_hdf5_library(
    vectors: OperationVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen with h5py 3.10 on HDF5 1.14.2 and h5py 3.16 on HDF5 2.0; changes with the layout and with the fixture. It
    leaves out what a zlib makes of a column, which may differ."""
    monkeypatch.setattr(hdf5, "deflated", lambda column: b"x" * (column.nbytes // 2))
    assert hashlib.sha256(hdf5.tree_image(to_tree(vectors))).hexdigest() == BYTES_OF_EVERY_FEATURE


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(
    path: Path, vectors: OperationVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(VectorError, match=r"loss\.h5: cannot be written: No space left on device$"):
        store.write(path, replace(vectors, generator="another"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file_and_no_litter(
    path: Path, vectors: OperationVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.write(path, replace(vectors, generator="another"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_killed_write_leaves_the_old_file(path: Path) -> None:
    before = path.read_bytes()
    script = (
        "import os, sys, synthetic_vectors; from backproof.vectors import store; "
        "os.fsync = lambda _: os.kill(os.getpid(), 9); "
        "store.write(sys.argv[1], synthetic_vectors.many_families('loss', 8, 10))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1] / "support"), *sys.path])},
        check=False,
    )
    assert run.returncode == -9
    assert path.read_bytes() == before


def test_a_folder_that_is_missing_is_said_in_one_line(tmp_path: Path, vectors: OperationVectors) -> None:
    with pytest.raises(VectorError, match=r"^\S*loss\.h5: cannot be written: [^\n]*$"):
        store.write(tmp_path / "nowhere" / "loss.h5", vectors)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"comment": "\ud800"}, "loss/float64/forward-indices: what is said of it is no text: it contains a lone"),
        ({"parameters": {"scale": float("nan")}}, "what is said of it cannot be written as JSON"),
        ({"parameters": {"scale": np.float32(1)}}, "what is said of it cannot be written as JSON"),
        ({"parameters": {"sizes": {"a": 1}}}, "for parameters of forward-indices, where a string, a number, a truth"),
        ({"name": "a/b"}, "say 'a/b' for name of family 1, where a family's name is due"),
        ({"name": "forward-one-hot"}, "loss/float64/forward-one-hot appears twice"),
        ({"op": "other"}, "other/float64/forward-indices: is no family of loss in a known dtype"),
        ({"dtype": "float8"}, "is no family of loss in a known dtype"),
        ({"dtype": "float32"}, "loss/float32/forward-indices: scores has dtype float64, where float32 is due"),
        ({"count": 2}, "scores has shape (3, 4, 5), where the first size is the count 2"),
        ({"direction": "sideways"}, "say 'sideways' for direction of forward-indices"),
        ({"level": "optional"}, "say 'optional' for level of forward-indices, where one of required, robust is due"),
        ({"result": "invalid"}, "for results of forward-indices, where those of a call that is invalid is due"),
        ({"answer": Expectation({}, {})}, "for results of forward-indices, where those of a call that is valid is due"),
        (
            {"answer": Expectation({"loss": np.zeros(3, np.float32)}, {})},
            "loss has dtype float32, where float64 is due",
        ),
        (
            {"answer": Expectation({"loss": np.zeros(3)}, {"float64": {"loss": np.full(3, 0.1)}})},
            "the tolerance of loss for float64 has more than the upper 16 bits of a float64; round it up with",
        ),
        (
            {"answer": Expectation({"loss": np.zeros(3)}, {"float64": {"loss": np.zeros((3, 1))}})},
            "its tolerances for float64 have other names or shapes than the results",
        ),
        (
            {"answer": Expectation({"loss": np.zeros(3)}, {"fused": {"loss": np.zeros(3)}})},
            "/float64/tolerance/fused/loss is no column of loss",
        ),
        ({"inputs": {"scores": np.zeros((3, 1))}}, "for inputs of forward-indices, where the arguments in order is"),
        ({"flags": ("two words",)}, "for flags of forward-indices, where words is due"),
    ],
)
def test_records_that_do_not_fit_the_layout_are_refused(
    tmp_path: Path, vectors: OperationVectors, changes: dict[str, object], complaint: str
) -> None:
    first, *others = vectors.families
    unfit = replace(vectors, families=(replace(first, **changes), *others))  # type: ignore[arg-type]
    with pytest.raises(VectorError) as refusal:
        store.write(tmp_path / "loss.h5", unfit)
    assert complaint in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_contents_beyond_what_is_read_are_refused(tmp_path: Path, vectors: OperationVectors) -> None:
    with pytest.raises(VectorError, match=r"the contents take \d+ bytes, and 16777216 is the most that is read"):
        store.write(tmp_path / "loss.h5", replace(vectors, generator="x" * 2**24))


def test_families_of_all_dtypes_that_differ_by_numbers_alone_are_described_once(path: Path) -> None:
    with h5py.File(path) as file:
        described = json.loads(file["contents"][()].tobytes())["families"]
    assert [entry["name"] for entry in described] == [f.name for f in families_of("float64")]
    assert all(entry["dtypes"] == list(DTYPES) for entry in described)


def test_a_family_that_differs_in_one_dtype_is_described_apart(tmp_path: Path, vectors: OperationVectors) -> None:
    """True, 1 and 1.0 are equal in Python, and are not the same parameter."""
    families = [
        replace(family, parameters={"power": {"float64": 1, "float32": True, "float16": 1.0}.get(family.dtype, 1)})
        for family in vectors.families
    ]
    varied = replace(vectors, families=tuple(families))
    store.write(tmp_path / "loss.h5", varied)
    found = store.read(tmp_path / "loss.h5")
    assert_same(found, varied)
    assert [repr(f.parameters["power"]) for f in found.families if f.name == "backward-kink"] == [
        "1",
        "True",
        "1.0",
        "1",
    ]


@pytest.mark.parametrize("value", ["text", 7, 0.1, 1e-300, True, None, (), (1, 2), ("a", (None, (3, False)))])
def test_a_parameter_keeps_its_type(tmp_path: Path, vectors: OperationVectors, value: Parameter) -> None:
    first, *_ = vectors.families
    store.write(tmp_path / "loss.h5", replace(vectors, families=(replace(first, parameters={"a": value}),)))
    (family,) = store.read(tmp_path / "loss.h5").families
    assert repr(family.parameters) == repr({"a": value})


@pytest.mark.parametrize("seed", ["", "loss/float64/forward-indices", "of somebody's own"])
def test_a_seed_is_kept(tmp_path: Path, vectors: OperationVectors, seed: str) -> None:
    first, *_ = vectors.families
    store.write(tmp_path / "loss.h5", replace(vectors, families=(replace(first, seed=seed),)))
    (family,) = store.read(tmp_path / "loss.h5").families
    assert family.seed == seed


@pytest.mark.parametrize("dtypes", [["float16"], ["bfloat16"], ["float16", "bfloat16"]], ids="-".join)
def test_a_precision_that_some_families_lack_is_lacking_when_read(
    tmp_path: Path, vectors: OperationVectors, dtypes: list[str]
) -> None:
    def without(expectation: Expectation) -> Expectation:
        return replace(expectation, tolerance={"fused": expectation.tolerance["fused"]})

    def bare(family: Family) -> Family:
        others = {key: without(expectation) for key, expectation in family.alternatives.items()}
        return replace(family, answer=without(family.answer), alternatives=others)

    lacking = [f"loss/{dtype}/backward-kink" for dtype in dtypes]
    some = replace(vectors, families=tuple(bare(f) if f.id in lacking else f for f in vectors.families))
    store.write(tmp_path / "loss.h5", some)
    assert_same(store.read(tmp_path / "loss.h5"), some)


def test_alternatives_share_a_point(path: Path) -> None:
    family = family_named(store.read(path), "loss/float32/backward-kink")
    assert list(family.alternatives) == ["slope=1/2", "slope=100%"]
    assert family.point == "slope"


def test_verify_finds_nothing_in_sound_vectors(path: Path) -> None:
    assert store.verify(path) == []


NO_FLAG = Flag("unused", "a kind", "an effect", "")


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        ("forward-indices", {"flags": ("mean", "typo")}, "the flag typo is not in the vocabulary"),
        ("forward-indices", {"flags": ()}, "carries no flag"),
        ("forward-indices", {"flags": ("mean", "mean")}, "carries a flag twice"),
        ("forward-indices", {"comment": ""}, "has no comment"),
        ("forward-indices", {"result": "convention"}, "is convention with 0 alternatives"),
        ("backward-kink", {"result": "valid"}, "is valid with 2 alternatives"),
    ],
)
def test_verify_finds_unsound_families(
    tmp_path: Path, vectors: OperationVectors, name: str, changes: dict[str, object], problem: str
) -> None:
    store.write(tmp_path / "loss.h5", with_family(vectors, name, **changes))
    found = store.verify(tmp_path / "loss.h5")
    assert found == [f"{tmp_path / 'loss.h5'}: loss/{dtype}/{name}: {problem}" for dtype in DTYPES]


def test_verify_finds_rows_of_a_result_that_are_not_those_of_the_arguments(
    tmp_path: Path, vectors: OperationVectors
) -> None:
    axes = {**vectors.batch_axis, "dL_dscores": -1}
    store.write(tmp_path / "loss.h5", replace(vectors, batch_axis=axes))
    problem = "the result dL_dscores has 5 rows along its batch axis, where the arguments have 4"
    assert f"{tmp_path / 'loss.h5'}: loss/float32/backward-rows: {problem}" in store.verify(tmp_path / "loss.h5")


@pytest.mark.parametrize(
    ("tolerance", "problem"),
    [
        ([0.125, np.inf, 0.125], "a tolerance for float64 of loss is not finite"),
        ([0.125, np.nan, 0.125], "a tolerance for float64 of loss is not finite"),
        ([0.125, -0.125, 0.125], "a tolerance for float64 of loss is negative"),
        ([0.125, 0.125, 0.125], "a tolerance for float64 of loss is not 0 where the result is not finite"),
    ],
)
def test_verify_finds_unsound_tolerances(
    tmp_path: Path, vectors: OperationVectors, tolerance: list[float], problem: str
) -> None:
    one = family_named(vectors, "loss/float64/forward-indices")
    loss = np.array([1.0, 2.0, np.nan if "not 0" in problem else 3.0])
    answer = Expectation({"loss": loss}, {"float64": {"loss": np.array(tolerance)}})
    store.write(tmp_path / "loss.h5", replace(vectors, families=(replace(one, answer=answer),)))
    assert store.verify(tmp_path / "loss.h5") == [f"{tmp_path / 'loss.h5'}: {one.id}: {problem}"]


def test_verify_misses_the_tolerance_of_the_default_precision(tmp_path: Path, vectors: OperationVectors) -> None:
    one = family_named(vectors, "loss/float16/forward-indices")
    native = {"native": one.answer.tolerance["native"]}
    bare = replace(one, answer=Expectation(one.answer.expected, native))
    store.write(tmp_path / "loss.h5", replace(vectors, families=(bare,)))
    assert store.verify(tmp_path / "loss.h5") == [f"{tmp_path / 'loss.h5'}: {one.id}: has no tolerance for fused"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"batch_axis": {}}, "batch_axis does not say which axis of dL_dloss is the batch"),
        (
            {"aliases": {"native": "stepwise", "stepwise": "fused"}},
            "the alias native for stepwise leads to another alias",
        ),
        ({"flags": (NO_FLAG, NO_FLAG)}, "the flag unused is explained twice"),
        ({"flags": (Flag("unused", "", "", ""),)}, "the flag unused says no kind of bug or no effect"),
        ({"answers": (Answer("slope", "0", False, ""),)}, "the point slope has 0 canonical answers, where one is due"),
        ({"answers": (Answer("slope", "0", True, ""),) * 2}, "the answer slope=0 is listed twice"),
    ],
)
def test_verify_finds_unsound_tables(
    tmp_path: Path, vectors: OperationVectors, changes: dict[str, object], problem: str
) -> None:
    store.write(tmp_path / "loss.h5", replace(vectors, families=(), **changes))  # type: ignore[arg-type]
    assert f"{tmp_path / 'loss.h5'}: {problem}" in store.verify(tmp_path / "loss.h5")


def test_verify_finds_alternatives_of_two_points_and_the_canonical_among_them(
    tmp_path: Path, vectors: OperationVectors
) -> None:
    kink = family_named(vectors, "loss/float64/backward-kink")
    other = next(iter(kink.alternatives.values()))
    answers = (*vectors.answers, Answer("mean", "nan", True, "0/0"))
    mixed = replace(kink, alternatives={"slope=1/2": other, "mean=nan": other})
    store.write(tmp_path / "loss.h5", replace(vectors, answers=answers, families=(mixed,)))
    assert store.verify(tmp_path / "loss.h5") == [
        f"{tmp_path / 'loss.h5'}: {kink.id}: has alternatives of more than one point",
        f"{tmp_path / 'loss.h5'}: {kink.id}: the alternative mean=nan is the canonical answer",
    ]
