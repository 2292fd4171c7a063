"""Made-up golden vectors with every feature of the format, for tests that care for the format and not the figures."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from backproof.vectors.dtypes import DTYPES, PRECISIONS_OF
from backproof.vectors.records import Answer, Expectation, Family, Flag, OperationVectors
from ml_dtypes import bfloat16

OP = "loss"
ARGUMENTS = {"forward": ("scores", "labels"), "backward": ("dL_dloss", "scores", "labels")}
RESULTS = {"forward": ("loss",), "backward": ("dL_dscores",)}


def every_feature() -> OperationVectors:
    """A loss over rows of scores in all four dtypes.

    Labels of both kinds, results of rank 0, an empty batch, a convention with two alternatives, a call to refuse,
    a parameter of every type, text that is not ASCII, and classes (NaN, inf) among the results.
    """
    return OperationVectors(
        op=OP,
        vectors_version="1.0.0",
        generator="synthetic",
        arguments=ARGUMENTS,
        results=RESULTS,
        batch_axis={"scores": -2, "labels": 0, "dL_dloss": None, "loss": None, "dL_dscores": -2},
        aliases={"tf32": "float32"},
        flags=(
            Flag(
                "mean", "missing factor", "steps are as many times too large as the batch is", "https://example.org/1"
            ),
            Flag("label-range", "unchecked index", "a label outside reads another row's score, or “crashes”", ""),
        ),
        answers=(
            Answer("slope", "0", True, "the slope from the left"),
            Answer("slope", "1/2", False, "the middle"),
            Answer("slope", "100%", False, "the slope from the right"),
        ),
        families=tuple(family for dtype in DTYPES for family in families_of(dtype)),
    )


def families_of(dtype: str) -> Iterator[Family]:
    """One family of each kind in a dtype."""
    mean: Mapping[str, str | int | float | bool] = {"reduction": "mean"}
    none: Mapping[str, str | int | float | bool] = {"reduction": "none", "power": 2, "scale": 0.1, "signed": True}
    scores = tensor(dtype, 3, 4, 5)
    labels = np.arange(12, dtype=np.int64).reshape(3, 4) % 5
    one_hot = (np.arange(5) == labels[..., None]).astype(scores.dtype)
    yield family(dtype, "forward-indices", "forward", [scores, labels], [(3,)], mean)
    yield family(dtype, "forward-one-hot", "forward", [scores, one_hot], [(3,)], mean)
    yield family(dtype, "backward-rows", "backward", [tensor(dtype, 3, 4), scores, one_hot], [(3, 4, 5)], none)
    empty = family(
        dtype,
        "backward-empty-batch",
        "backward",
        [tensor(dtype, 2, 0), tensor(dtype, 2, 0, 5), np.empty((2, 0), np.int64)],
        [(2, 0, 5)],
        none,
    )
    yield replace(empty, level="robust")
    kink_inputs = [tensor(dtype, 1), tensor(dtype, 1, 2, 2), labels[:1, :2]]
    kink = family(dtype, "backward-kink", "backward", kink_inputs, [(1, 2, 2)], mean)
    yield replace(
        kink,
        result="convention",
        alternatives={f"slope={answer}": answer_of(dtype, {"dL_dscores": (1, 2, 2)}) for answer in ("1/2", "100%")},
    )
    refused = family(dtype, "forward-label-out-of-range", "forward", [scores[:1], labels[:1] + 5], [(1,)], mean)
    yield replace(refused, result="invalid", level="robust", flags=("label-range",), answer=Expectation({}, {}))
    classes = answer_of(dtype, {"loss": (3,)}, np.array([np.nan, np.inf, -np.inf]))
    infinite = scores.copy()
    infinite[scores == 0] = np.inf
    yield replace(
        family(dtype, "forward-not-finite", "forward", [infinite, labels], [(3,)], mean),
        level="robust",
        answer=classes,
        seed="",
        source="a page, § 3",
    )


def family(
    dtype: str,
    name: str,
    direction: str,
    inputs: list[np.ndarray],
    shapes: list[tuple[int, ...]],
    parameters: Mapping[str, str | int | float | bool],
) -> Family:
    """A valid, required family whose results are made up."""
    return Family(
        op=OP,
        dtype=dtype,
        name=name,
        direction=direction,
        count=len(inputs[0]),
        level="required",
        result="valid",
        flags=("mean",),
        parameters=parameters,
        seed=f"{OP}/{dtype}/{name}",
        comment=f"{name}: größer als nichts",
        source="",
        inputs=dict(zip(ARGUMENTS[direction], inputs, strict=True)),
        answer=answer_of(dtype, dict(zip(RESULTS[direction], shapes, strict=True))),
    )


def answer_of(dtype: str, shapes: Mapping[str, tuple[int, ...]], expected: np.ndarray | None = None) -> Expectation:
    """Expected values and a tolerance for each stored precision of the dtype; 0 where a value is not finite."""
    values = {name: tensor("float64", *shape) if expected is None else expected for name, shape in shapes.items()}
    precisions = [precision for precision in PRECISIONS_OF[dtype] if precision != "tf32"]
    return Expectation(
        values,
        {
            precision: {name: np.where(np.isfinite(array), 2.0 ** -(8 + index), 0.0) for name, array in values.items()}
            for index, precision in enumerate(precisions)
        },
    )


def tensor(dtype: str, *shape: int) -> np.ndarray:
    """Distinct numbers that every dtype holds exactly, up to 256 of them."""
    numbers = np.arange(int(np.prod(shape)), dtype=np.float64).reshape(shape) - 7
    return numbers.astype(bfloat16 if dtype == "bfloat16" else dtype)


def many_families(op: str, families: int, elements: int) -> OperationVectors:
    """Vectors as large as the golden ones: families of a backward with six arguments and five results, of several
    shapes, with about so many elements in each tensor."""
    arguments = ("upstream", "inputs", "weights", "biases", "more_weights", "more_biases")
    results = tuple(f"dL_d{name}" for name in arguments[1:])
    made = []
    for index in range(families):
        dtype = DTYPES[index * len(DTYPES) // families]
        count, rows = 1 + index % 7, 1 + index % 5
        shape = (count, rows, max(1, elements // (count * rows)))
        made.append(
            Family(
                op=op,
                dtype=dtype,
                name=f"backward-random-{index}",
                direction="backward",
                count=count,
                level="required",
                result="valid",
                flags=("mean",),
                parameters={"reduction": "mean"},
                seed=f"{op}/{dtype}/backward-random-{index}",
                comment="random values of several magnitudes",
                source="",
                inputs={name: np.zeros(shape, tensor(dtype, 1).dtype) for name in arguments},
                answer=answer_of(dtype, dict.fromkeys(results, shape)),
            )
        )
    return replace(
        every_feature(),
        op=op,
        arguments={"backward": arguments},
        results={"backward": results},
        batch_axis=dict.fromkeys((*arguments, *results), 0),
        answers=(),
        families=tuple(made),
    )


def assert_same(got: OperationVectors, expected: OperationVectors) -> None:
    """Assert that two operations' vectors are the same to the last bit, dtypes and order included."""
    plain = [replace(vectors, families=()) for vectors in (got, expected)]
    assert plain[0] == plain[1]
    for one, other in zip(got.families, expected.families, strict=True):
        nothing = Expectation({}, {})
        bare = [replace(family, inputs={}, answer=nothing, alternatives={}) for family in (one, other)]
        assert bare[0] == bare[1]
        assert list(one.alternatives) == list(other.alternatives)
        pairs = [(one.inputs, other.inputs)]
        for mine, theirs in zip(
            [one.answer, *one.alternatives.values()], [other.answer, *other.alternatives.values()], strict=True
        ):
            assert list(mine.tolerance) == list(theirs.tolerance)
            pairs += [(mine.expected, theirs.expected)]
            pairs += [(mine.tolerance[precision], theirs.tolerance[precision]) for precision in mine.tolerance]
        for mine_by_name, theirs_by_name in pairs:
            assert list(mine_by_name) == list(theirs_by_name)
            for name, array in mine_by_name.items():
                assert array.dtype == theirs_by_name[name].dtype
                assert array.shape == theirs_by_name[name].shape
                assert array.tobytes() == theirs_by_name[name].tobytes()
