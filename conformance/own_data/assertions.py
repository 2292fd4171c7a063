"""`assert_gradients`, `assert_outputs` and `expectation`: is this right, for these very tensors?"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ...vectors.dtypes import FORMATS, PRECISIONS_OF
from ..check.messages import too_wide, when_to_declare
from ..check.precisions import looser_than, tells
from .call import OwnCall, by_dtype, operation_of, precision_of, read_call
from .evaluation import parts_of, whole
from .explaining import explain
from .judging import Judgement, judge
from .progress import Progress
from .wording import failure, unjudged

__unittest = True  # has unittest end its traceback at the user's line, as __tracebackhide__ has pytest
Tensor = Any
"""An array of NumPy, or a tensor of PyTorch, JAX, TensorFlow, MLX or another framework that speaks DLPack."""
ROUNDINGS = 32
"""By so many roundings a result may be off, in sum, for a looser precision to be offered: a sixteenth in bfloat16."""
Direction = Literal["forward", "backward"]


def assert_gradients(
    op: str | Any,
    gradients: Tensor | Sequence[Tensor] | Mapping[str, Tensor],
    /,
    inputs: Tensor | Sequence[Tensor] | Mapping[str, Tensor] = None,
    upstream: Tensor | Sequence[Tensor] = None,
    *,
    results: Sequence[str] | None = None,
    dtype: str | None = None,
    precision: str | None = None,
    conventions: Mapping[str, object] | None = None,
    allow_nan: bool = False,
    sample: int | None = None,
    **named: Any,
) -> None:
    """Assert that gradients are those of an operation, up to what a sound implementation may be off.

        assert_gradients("layer_norm", (dx, dgamma, dbeta), inputs=(x, gamma, beta), upstream=dy, eps=1e-5)

    op: the operation's name, as `backproof list` prints them; or a module, or an object, with a forward and a backward
    of your own (docs/own-operation.md). gradients: one tensor for each argument that is
    differentiated, in order. results: the names of those that are passed, where it is not all:
    `assert_gradients("dense", dw, results=("dL_dweights",), ...)`. inputs: what forward takes, in order, labels
    included. upstream: the gradient of the output; left out, it is 1 for an output that is a single number.
    named: the operation's parameters, such as eps and reduction; and arguments, which may be given by name instead.

    dtype: at which dtype to judge; by default that of each gradient. precision: what the implementation computes in,
    where it is not the strictest of the dtype: "tf32" for float32; "stepwise" or "native" for float16 and bfloat16.
    conventions: the answer followed where the field has several, such as {"relu_slope_at_zero": "1"}; where none is
    named any is right. allow_nan: whether NaN in the arguments are meant. sample: of about how many elements each
    gradient is judged, where judging all of them is too dear: the same ones each time, among them those beside a
    tile's length. Where a gradient cannot be sampled, as one that sums over all there is, all are judged in full.

    Raises AssertionError where a gradient is wrong, which says where it is worst and what it looks like, and
    ValueError, of one line, where the call does not fit the operation. Warns of elements that no bound is known for.
    """
    __tracebackhide__ = True
    found = _judged(
        "backward",
        op,
        gradients,
        inputs,
        upstream,
        results=results,
        dtype=dtype,
        precision=precision,
        conventions=conventions,
        allow_nan=allow_nan,
        sample=sample,
        named=named,
    )
    if found is not None:
        raise found.with_traceback(None)


def assert_outputs(
    op: str | Any,
    outputs: Tensor | Sequence[Tensor] | Mapping[str, Tensor],
    /,
    inputs: Tensor | Sequence[Tensor] | Mapping[str, Tensor] = None,
    *,
    results: Sequence[str] | None = None,
    dtype: str | None = None,
    precision: str | None = None,
    conventions: Mapping[str, object] | None = None,
    allow_nan: bool = False,
    sample: int | None = None,
    **named: Any,
) -> None:
    """Assert that outputs of an operation's forward, or of a step of an optimizer, are right: see `assert_gradients`.

    assert_outputs("softmax", p, inputs=z)
    """
    __tracebackhide__ = True
    found = _judged(
        "forward",
        op,
        outputs,
        inputs,
        None,
        results=results,
        dtype=dtype,
        precision=precision,
        conventions=conventions,
        allow_nan=allow_nan,
        sample=sample,
        named=named,
    )
    if found is not None:
        raise found.with_traceback(None)


def expectation(
    op: str | Any,
    direction: Direction,
    /,
    *tensors: Tensor,
    dtype: str | None = None,
    precision: str | None = None,
    allow_nan: bool = False,
    **named: Any,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What is expected of each result of an operation, and its tolerance, element by element: two dicts, by name.

        expected, tolerance = expectation("layer_norm", "backward", dy, x, gamma, beta, eps=1e-5, dtype="bfloat16")

    tensors: the arguments in the order of the call, backward's upstream first; or by name. dtype: that of the results;
    by default the one that all arguments have. The rest is as `assert_gradients` has it.

    Expected values are float64, right to more digits than the dtype has. A tolerance is infinite where no bound is
    known. Raises ValueError, of one line, where the call does not fit the operation.
    """
    __tracebackhide__ = True
    try:
        operation = _operation(op, direction)
        names = operation.arguments[direction]
        if len(tensors) > len(names):
            raise ValueError(f"{operation.name} {direction} takes {', '.join(names)}; {len(tensors)} came")
        given = dict(zip(names, tensors, strict=False))
        if twice := [name for name in given if name in named]:
            raise ValueError(f"{twice[0]} is given twice")
        call = read_call(operation, direction, inputs=None, named={**given, **named}, allow_nan=allow_nan)
        dtype = _one_dtype(call, dtype)
        word = precision_of(dtype, precision)
        answer = operation.formulations[direction]
        found = whole(parts_of(call, answer, dtype, word, Progress(str(call)).of("")))
    except ValueError as error:
        mistaken = error
    else:
        return found
    raise mistaken.with_traceback(None) from None


def _operation(op: Any, direction: str) -> Any:
    if direction not in ("forward", "backward"):
        raise ValueError(f"direction is {direction!r}; write 'forward' or 'backward'")
    return operation_of(op, direction)


def _one_dtype(call: OwnCall, dtype: str | None) -> str:
    kinds = dict.fromkeys(x.dtype.name for name, x in call.arguments.items() if name not in call.operation.labels)
    if dtype is None and len(kinds) != 1:
        raise ValueError(f"the arguments are {' and '.join(kinds)}: say by dtype= of which the results are")
    if dtype is not None and dtype not in PRECISIONS_OF:
        raise ValueError(f"dtype is {dtype!r}; known are {', '.join(PRECISIONS_OF)}")
    return dtype or next(iter(kinds))


def _judged(direction: Direction, *call: Any, **options: Any) -> Exception | None:
    """The error to raise: AssertionError where something is wrong, ValueError where the call does not fit."""
    try:
        return _verdict(direction, *call, **options)
    except ValueError as error:
        error.__cause__ = error.__context__ = None
        return error


def _verdict(
    direction: Direction,
    op: str | Any,
    came: object,
    inputs: object,
    upstream: object,
    *,
    dtype: str | None,
    precision: str | None,
    **options: Any,
) -> AssertionError | None:
    call = read_call(operation_of(op, direction), direction, inputs=inputs, upstream=upstream, came=came, **options)
    progress = Progress(str(call))
    judgements = [
        judge(call, names, each, precision_of(each, precision), progress) for each, names in by_dtype(call, dtype)
    ]
    bad = [one for one in judgements if one.wrong or one.misshapen]
    if bad:
        explained = [explain(call, judgement) for judgement in bad]
        diagnoses = [diagnosis for found, _ in explained for diagnosis in found]
        looser = None if any(one.names_a_fault for one in diagnoses) else _looser(call, bad)
        return AssertionError(failure(call, judgements, diagnoses, looser, any(too_long for _, too_long in explained)))
    for line in (line for judgement in judgements for line in unjudged(judgement)):
        warnings.warn(line, stacklevel=4)
    return None


def _looser(call: OwnCall, bad: Sequence[Judgement]) -> str | None:
    """What to do where all that is wrong would be right at a looser precision, the strictest of these, and is off by no
    more than some roundings: bounds of a looser precision may be as large as what they are of. Where they are so, no
    precision is to be declared: a result that is far from right would pass."""
    if len(bad) > 1 or bad[0].misshapen:
        return None
    (one,) = bad
    units = FORMATS["float16" if one.dtype == "float32" else one.dtype].unit_roundoff
    if any(not tally.off <= ROUNDINGS * units * tally.due for tally in one.wrong):
        return None
    names = tuple(tally.name for tally in one.wrong)
    for precision in looser_than(one.precision, one.dtype):
        try:
            judged = judge(call, names, one.dtype, precision, Progress(str(call)), quick=True)
        except ValueError:  # it has none for sums of this length
            continue
        if not judged.misshapen:
            held = [(np.concatenate(s.expected), np.concatenate(s.bounds)) for s in judged.samples.values()]
            if all(tells(expected, tolerance) for expected, tolerance in held):
                return f'{when_to_declare(precision, one.dtype)} pass precision="{precision}"'
            return too_wide(precision, one.dtype)
    return None
