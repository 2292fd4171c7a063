"""The call that is to be judged: what the user passed, by name, as NumPy arrays, or one line on what does not fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ...vectors.dtypes import DTYPES, FORMATS, PRECISIONS_OF, numpy_dtype
from ..check.wording import listed
from ..implementation.arrays import NotAnArray, numbers, to_numpy
from ..implementation.errors import CommandError, suggestion
from ..implementation.own_operations import reader

if TYPE_CHECKING:
    from ...reference.arithmetic.sampling import Cut
    from ...reference.model.operation import Operation

FLOAT8 = "float8_"
"""How the names of dtypes of one byte begin, all of whose numbers every dtype of `DTYPES` holds."""
INSIDE = {"float16": "float32", "bfloat16": "float32"}
"""What arguments may be at most where results are a half precision, which is computed in float32."""
Tensors = dict[str, np.ndarray]


@dataclass(frozen=True)
class OwnCall:
    """One call of an operation: its arguments, and what came of it."""

    operation: "Operation"
    direction: str
    arguments: Tensors
    """By name, in the order of the call; labels and indices are int64."""
    parameters: Mapping[str, Any]
    results: Tensors
    """Those that are judged, by name."""
    conventions: Mapping[str, str]
    sample: int | None = None
    """Of how many elements a result is judged where it is larger; None for all."""

    def __str__(self) -> str:
        return f"{self.operation.name} {self.direction}"

    @property
    def names(self) -> tuple[str, ...]:
        """All results of the operation."""
        return self.operation.results[self.direction]

    @property
    def batch_axes(self) -> list[int | None]:
        """For each argument the axis along which its rows are independent; None for one without."""
        axes = [self.operation.batch_axis.get(name) for name in self.arguments]
        ranks = [x.ndim for x in self.arguments.values()]
        return [None if a is None or not -n <= a < n else a for a, n in zip(axes, ranks, strict=True)]

    @cached_property
    def cuts(self) -> "list[Cut]":
        """Which axes of the arguments can be cut together: see `reference.arithmetic.sampling`."""
        from ...reference.arithmetic.sampling import SHORT

        return self.cuts_above(SHORT)

    @cached_property
    def refused(self) -> set[tuple[Any, tuple[int | None, ...]]]:
        """The formulas, and axes along which it was found that they cannot be evaluated in chunks, which takes long."""
        return set()

    def cuts_above(self, length: int, patient: bool = False) -> "list[Cut]":
        """Those of axes that are longer; `patient`: see `cuts_of`."""
        from ...reference.arithmetic.sampling import cuts_of

        functions, tensors = self.operation.functions, list(self.arguments.values())
        upstreams = sum(name.startswith("dL_d") for name in self.arguments)
        forward = functions.get("forward") if upstreams else None
        return cuts_of(functions[self.direction], tensors, self.parameters, forward, upstreams, length, patient)

    @property
    def shapes(self) -> str:
        """The arguments' shapes: "inputs (3, 4), weights (4, 5)"."""
        return ", ".join(f"{name} {x.shape}" for name, x in self.arguments.items())

    def dtype_of(self, name: str, dtype: str | None) -> str:
        """The dtype at which a result is judged: the one that is asked for, or else its own."""
        return dtype or self.results[name].dtype.name


def operation_names() -> tuple[str, ...]:
    """The operations that the reference has, and the user's own. Raises CommandError without python-flint."""
    reader()
    from ...reference.model import operation

    return operation.operation_names()


def operation_of(op: Any, direction: str) -> "Operation":
    """The operation of a name, or that a user's module is. Raises ValueError where there is none, or it has not this
    direction."""
    try:
        own_operation = reader()
    except CommandError as error:
        raise ValueError(str(error)) from None
    from ...reference.model.operation import operation, operation_names

    if not isinstance(op, str):
        return own_operation(op)
    if op not in operation_names():
        near = suggestion(op, operation_names()) or "; `backproof list` prints all"
        raise ValueError(f"there is no operation {op!r}{near}")
    found = operation(op)
    if direction not in found.functions:
        other = {"backward": "assert_outputs", "forward": "assert_gradients"}[direction]
        raise ValueError(f"{op} has no {direction}; {other} judges what it has")
    return found


def read_call(
    operation: "Operation",
    direction: str,
    *,
    inputs: object,
    upstream: object = None,
    named: Mapping[str, object],
    came: object = None,
    results: Sequence[str] | None = None,
    conventions: Mapping[str, object] | None = None,
    allow_nan: bool = False,
    sample: int | None = None,
) -> OwnCall:
    """Read what the user passed.

    inputs: the arguments that forward takes, in order, or the one that is called so; upstream: the gradients of the
    outputs; named: arguments by their own names, and parameters; came: what is judged; results: which results
    that is, where it is not all. Raises ValueError.
    """
    if sample is not None and (type(sample) is not int or sample < 1):
        raise ValueError(f"sample is {sample!r}; give a number of elements, at least 1")
    names = operation.arguments[direction]
    upstreams = [name for name in names if name.startswith("dL_d")] if direction == "backward" else []
    given: dict[str, object] = {}
    _place(given, operation, [name for name in names if name not in upstreams], inputs, "inputs")
    _place(given, operation, upstreams, upstream, "upstream")
    parameters: dict[str, Any] = {}
    for name, value in named.items():
        if name in given:
            raise ValueError(f"{name} is given twice")
        if name in names:
            given[name] = value
        elif name in operation.parameters[direction]:
            parameters[name] = _parameter(name, value)
        else:
            known = [*names, *operation.parameters[direction]]
            near = suggestion(name, known) or f"; it takes {', '.join(known)}"
            raise ValueError(f"{operation.name} takes no {name!r}{near}")
    missing = [p for p in operation.parameters[direction] if p not in parameters and p not in operation.defaults]
    if missing:
        raise ValueError(f"{operation.name} needs {listed(missing)}: pass {missing[0]}=...")
    parameters = {p: v for p, v in parameters.items() if p not in operation.defaults or v != operation.defaults[p]}
    found = _results(operation, direction, came, results) if came is not None else {}
    arguments = {name: _argument(name, given[name], name in operation.labels) for name in names if name in given}
    absent = [name for name in names if name not in given]
    if len(absent) == 1 and absent == upstreams:
        absent = []
        arguments = _with_upstream_of_one(operation, arguments, parameters, upstreams[0])
    if absent:
        raise ValueError(f"{operation.name} {direction} takes {', '.join(names)}: {listed(absent)} is not given")
    _require_results_to_hold(arguments, found, operation.labels)
    if not allow_nan:
        for name, x in arguments.items():
            _refuse_nan(name, x)
    return OwnCall(
        operation, direction, arguments, parameters, found, _conventions(operation, conventions or {}), sample
    )


def _are_several(values: Sequence[object], names: Sequence[str]) -> bool:
    """Whether a list that could be one array is of tensors, where several are due."""
    return len(names) > 1 and any(getattr(x, "ndim", 0) for x in values)


def _place(
    given: dict[str, object], operation: "Operation", names: Sequence[str], values: object, keyword: str
) -> None:
    """Put a tuple of tensors to their names; a single tensor to the argument that the keyword names, or to the only."""
    if values is None:
        return
    if isinstance(values, Mapping):
        if unknown := [name for name in values if name not in names]:
            near = suggestion(str(unknown[0]), names) or f"; {keyword} are {', '.join(names)}"
            raise ValueError(f"{operation.name} has no {unknown[0]!r}{near}")
        given.update(values)
    elif isinstance(values, (tuple, list)) and (numbers(values) is None or _are_several(values, names)):
        if len(values) != len(names):
            due = f"{keyword} are {len(names)} tensors, {', '.join(names)}"
            raise ValueError(f"{operation.name}: {due}; {len(values)} came")
        given.update(zip(names, values, strict=True))
    elif keyword in names or len(names) == 1:
        given[keyword if keyword in names else names[0]] = values
    else:
        raise ValueError(f"{operation.name}: {keyword} are {len(names)} tensors, {', '.join(names)}; one came")


def _parameter(name: str, value: object) -> object:
    """A parameter as a plain value; NumPy's numbers and lists become Python's."""
    if isinstance(value, (np.generic, np.ndarray)) and np.ndim(value) == 0:
        return value.item()
    if isinstance(value, list):
        return tuple(value)
    if value is None or isinstance(value, (bool, int, float, str, tuple)):
        return value
    raise ValueError(f"{name} is a {type(value).__name__}, where a number, a word or a tuple is due")


def _results(operation: "Operation", direction: str, came: object, only: Sequence[str] | None) -> Tensors:
    known = operation.results[direction]
    names = known if only is None else (only,) if isinstance(only, str) else tuple(only)
    if isinstance(came, Mapping):
        names, values = tuple(came), tuple(came.values())
    else:
        values = tuple(came) if isinstance(came, (tuple, list)) else (came,)
    for name in names:
        if name not in known:
            near = suggestion(str(name), known) or f"; they are {', '.join(known)}"
            raise ValueError(f"{operation.name} {direction} has no result {name!r}{near}")
    if len(values) != len(names):
        said = f"{len(values)} came; name those there are by results=({known[0]!r}, ...)"
        raise ValueError(f"{operation.name} {direction} gives {', '.join(names)}: {said}")
    return {name: _result(name, value, known) for name, value in zip(names, values, strict=True)}


def _result(name: str, value: object, known: Sequence[str]) -> np.ndarray:
    if value is None:
        raise ValueError(f"{name} is None; where it is not computed, name the others by results=({known[0]!r}, ...)")
    array = _array(name, value)
    if array.dtype.name not in DTYPES:
        raise ValueError(f"{name} is {array.dtype}, where one of {', '.join(DTYPES)} is due")
    return array


def _argument(name: str, value: object, is_label: bool) -> np.ndarray:
    array = _array(name, value)
    if is_label and array.dtype.kind in "iu":
        return array.astype(np.int64, copy=False)
    if is_label and array.dtype.kind == "b":
        return array.astype(np.float32)
    if array.dtype.name.startswith(FLOAT8):
        return array.astype(np.float32)
    if array.dtype.name not in DTYPES:
        raise ValueError(f"{name} is {array.dtype}, where one of {', '.join(DTYPES)} is due")
    return array


def _array(name: str, value: object) -> np.ndarray:
    try:
        array = to_numpy(value)
    except NotAnArray as error:
        raise ValueError(f"{name} is {error}") from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _with_upstream_of_one(
    operation: "Operation", arguments: Tensors, parameters: Mapping[str, Any], name: str
) -> Tensors:
    """The arguments with an upstream of 1, where the output is a number, as a loss is. Raises ValueError elsewhere."""
    from ...reference.arithmetic.chunks import corners

    try:
        with np.errstate(all="ignore"):
            few = [x if x.dtype == np.int64 else x.astype(np.float64) for x in corners(list(arguments.values()))]
            rank = np.ndim(operation.functions["forward"](*few, **parameters))
    except Exception:  # of the formula, which may refuse a corner of its tensors, or there is none
        rank = -1
    if rank:
        raise ValueError(f"{operation.name} backward takes {name}: pass upstream=...")
    dtype = next(x.dtype for x in arguments.values() if x.dtype != np.int64)
    return {name: np.ones((), dtype), **arguments}


def _require_results_to_hold(arguments: Tensors, results: Tensors, labels: frozenset[str]) -> None:
    """Raise ValueError where an argument is of a wider dtype than the computation of the results can be."""
    for result, array in results.items():
        widest = INSIDE.get(array.dtype.name, array.dtype.name)
        for name, x in arguments.items():
            if x.dtype.kind != "i" and name not in labels and _digits(x) > FORMATS[widest].significand:
                cure = f"pass the {array.dtype} tensor that it was computed from"
                raise ValueError(f"{name} is {x.dtype}, wider than {result}, which is {array.dtype}: {cure}")


def _digits(x: np.ndarray) -> int:
    return FORMATS[x.dtype.name].significand


def _refuse_nan(name: str, x: np.ndarray) -> None:
    if x.dtype.kind == "i" or not x.size or not np.isnan(np.max(x)):
        return
    places = np.argwhere(np.isnan(x))
    first = f", first at {places[0].tolist()}" if x.ndim else ""
    raise ValueError(f"{name} has {len(places)} NaN{first}; pass allow_nan=True if they are meant")


def _conventions(operation: "Operation", declared: Mapping[str, object]) -> dict[str, str]:
    """The declared answers by point. Raises ValueError where there is none of that name."""
    from ...reference.model.vocabulary import ANSWERS

    points = {answer.point for answer in ANSWERS}
    for point, answer in declared.items():
        if point not in points:
            own = sorted({p for p, _ in operation.alternatives})
            near = suggestion(str(point), own) or suggestion(str(point), points)
            near = near or f"; {operation.name} has {', '.join(own) or 'none'}"
            raise ValueError(f"conventions has an unknown name {point!r}{near}")
        known = [a.answer for a in ANSWERS if a.point == point]
        if str(answer) not in known:
            raise ValueError(f"conventions[{point!r}] is {answer!r}; known answers are {', '.join(map(repr, known))}")
    return {point: str(answer) for point, answer in declared.items()}


def by_dtype(call: OwnCall, dtype: str | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each dtype at which results are judged, and which: those of another dtype than the rest are judged apart."""
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype is {dtype!r}; known are {', '.join(DTYPES)}")
    found = {name: call.dtype_of(name, dtype) for name in call.results}
    for one in dict.fromkeys(found.values()):
        yield one, tuple(name for name in found if found[name] == one)


def precision_of(dtype: str, precision: str | None) -> str:
    """The working precision, the dtype's strictest where none is given. Raises ValueError where it has not this one."""
    known = PRECISIONS_OF[dtype]
    if precision is not None and precision not in known:
        raise ValueError(f"precision is {precision!r}; known for {dtype} are {', '.join(known)}")
    return precision or known[0]


def held(x: np.ndarray, dtype: str) -> np.ndarray:
    """A tensor in the dtype at which it is judged, where that holds all of it; labels stay what they are."""
    return x if x.dtype == np.int64 else x.astype(numpy_dtype(dtype), copy=False)
