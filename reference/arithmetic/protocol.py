"""The base class of balls and rounding arrays: NumPy's two dispatch protocols, for the functions that formulas use.

An operation's text calls `np.exp`, `@`, `x.sum(axis=0)` and so on. A subclass defines each of these for its own
elements; what it does not define raises TypeError.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

Index = Any
Method = TypeVar("Method", bound=Callable[..., Any])
Value = TypeVar("Value")
Integers = int | tuple[int, ...]
Axis = int | tuple[int, ...] | None


class UndecidedError(ArithmeticError):
    """A comparison, a division or a rounding cannot be decided at this precision of the balls."""


class UnboundedError(ArithmeticError):
    """The errors allowed so far leave the next step without a bound: a comparison could flip, a denominator vanish."""


class RangeError(ArithmeticError):
    """An intermediate may leave the range of the working precision."""


class Constant:
    """A constant that no decimal states, such as sqrt(1/2): a Python float to NumPy, exact to other arithmetics.

    value: rounded to float64. ball: encloses it, at the working precision of `flint.ctx.prec`. It multiplies and
    divides arrays, and leaves float32 arrays what they are, as a subclass of float would not.
    """

    __array_ufunc__ = None

    def __init__(self, value: float, ball: Callable[[], Any]) -> None:
        self.value = value
        self.ball = ball

    def __float__(self) -> float:
        return self.value

    def __mul__(self, other: Any) -> Any:
        return other * (other.lift(self) if isinstance(other, FormulaArray) else self.value)

    __rmul__ = __mul__

    def __rtruediv__(self, other: Any) -> Any:
        return other / (other.lift(self) if isinstance(other, FormulaArray) else self.value)

    def __rsub__(self, other: float) -> "Constant":
        return Constant(other - self.value, lambda: other - self.ball())

    def __pow__(self, exponent: float) -> "Constant":
        return Constant(self.value**exponent, lambda: self.ball() ** exponent)


class evaluated_once(Generic[Value]):
    """A property that is evaluated when it is first asked for, as `functools.cached_property` is, without its lock."""

    def __init__(self, function: Callable[[Any], Value]) -> None:
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__

    def __get__(self, made: Any, _: type | None = None) -> Value:
        value = made.__dict__[self.name] = self.function(made)
        return value


Memory = dict[Any, Any]
_memories: ContextVar[list[Memory] | None] = ContextVar("memories", default=None)
"""Those of the arrays made within `forgotten`; None outside."""


def memory() -> Memory:
    """Give an array a place to remember what has been evaluated from it."""
    made: Memory = {}
    if (memories := _memories.get()) is not None:
        memories.append(made)
    return made


@contextmanager
def forgotten() -> Iterator[None]:
    """Have the arrays made within forget at the end what they remember: it refers to them in circles, which else the
    collector of garbage alone would find, late."""
    memories: list[Memory] = []
    token = _memories.set(memories)
    try:
        yield
    finally:
        _memories.reset(token)
        for known in memories:
            known.clear()


def remembered(method: Method) -> Method:
    """Evaluate a method of `FormulaArray` once for the very same arguments, which the array remembers."""

    @wraps(method)
    def call(self: "FormulaArray", *arguments: Any, **parameters: Any) -> Any:
        known = self.known
        key: Any = (method, arguments, *parameters.items()) if parameters else (method, arguments)
        try:
            result = known.get(key)
        except TypeError:
            key = (method, _hashable(arguments), *parameters.items())
            result = known.get(key)
        if result is None:
            result = known[key] = method(self, *arguments, **parameters)
        return result

    return cast(Method, call)


def _hashable(argument: Any) -> Any:
    """Give what says the same as an argument that may be a list, an index or a mask, or has one in it."""
    if isinstance(argument, tuple | list):
        return tuple(map(_hashable, argument))
    if isinstance(argument, np.ndarray):
        return argument.shape, argument.dtype, argument.tobytes()
    return (slice, argument.start, argument.stop, argument.step) if isinstance(argument, slice) else argument


def _directly(name: str, ufunc: np.ufunc) -> Callable[..., Any]:
    """Make an operator that calls the method for an array or a number beside it, and goes through NumPy for others."""

    def operator(self: "FormulaArray", other: Any) -> Any:
        kind = type(other)
        if kind is type(self):
            return getattr(self, name)(other)
        if kind is float or kind is int:
            return getattr(self, name)(self._lifted(other))
        return NotImplemented if getattr(other, "__array_ufunc__", self) is None else ufunc(self, other)

    return operator


class FormulaArray(NDArrayOperatorsMixin):
    """An array over which formulas written for NumPy can be evaluated.

    A subclass gives the elementwise and structural methods named after NumPy's functions (`add`, `where`, ...), one
    for all elementary functions, and `lift`, which turns other operands of an expression into exact arrays of its own.
    """

    __array_priority__ = 1000.0
    UFUNCS: ClassVar[frozenset[str]] = frozenset(
        [
            *("add", "subtract", "multiply", "divide", "negative", "absolute", "square", "reciprocal"),
            *("maximum", "minimum", "greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "matmul"),
        ]
    )
    ELEMENTARY: ClassVar[frozenset[str]] = frozenset(
        ["exp", "log", "log1p", "expm1", "sqrt", "tanh", "sin", "cos", "erf", "erfc", "erf_absolute"]
    )
    FUNCTIONS: ClassVar[frozenset[str]] = frozenset(
        [
            *("sum", "mean", "max", "where", "concatenate", "stack", "ones_like", "zeros_like", "broadcast_to"),
            *("swapaxes", "moveaxis", "transpose", "expand_dims", "squeeze", "reshape"),
            *("pad", "take", "take_along_axis", "repeat"),
        ]
    )

    __hash__ = object.__hash__

    @evaluated_once
    def known(self) -> Memory:
        """What has been evaluated from this array already; see `model.formulations.shared`."""
        return memory()

    # What a subclass must define ----------------------------------------------------------------------------------

    def lift(self, other: Any) -> Self:
        """Give `other` (array, scalar, or already one of these) as an array of this class, exact."""
        raise NotImplementedError

    def parts(self) -> tuple[np.ndarray, ...]:
        """Give the object arrays that make up this array, all of the same shape."""
        raise NotImplementedError

    def of_parts(self, *parts: np.ndarray) -> Self:
        """Make an array of this class from object arrays."""
        raise NotImplementedError

    def elementary(self, name: str) -> Self:
        """Apply an elementary function, one of `ELEMENTARY`, to each element."""
        raise NotImplementedError

    def product(self, other: Self) -> Self:
        """Multiply two matrices, (n, k) and (k, m)."""
        raise NotImplementedError

    def stacked_product(self, other: Self) -> Self:
        """Multiply two stacks of as many matrices, (s, n, k) and (s, k, m)."""
        return self.stacked([self[k].product(other[k]) for k in range(len(self))])

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """Sum along axes, or of all elements."""
        raise NotImplementedError

    def any(self) -> bool:
        """Say whether an element is not 0."""
        return bool((self != 0).any())

    # What means something to working precisions alone ---------------------------------------------------------------

    def stored(self) -> Self:
        """Pass through memory in the tensors' dtype."""
        return self

    def running(self) -> Self:
        """Be summed term by term, with the mean of those before at hand, which rounds where a term is 0, too."""
        return self

    def over_batch(self, axis: Axis, keepdims: bool = False) -> Self:
        """Sum along axes what was broadcast."""
        return self.sum(axis, keepdims)

    def _lifted(self, other: Any) -> Self:
        """Lift an operand, a constant once, so that steps with the same constant are the very same."""
        if isinstance(other, type(self)):
            return other
        key = (other.tobytes(), other.shape, other.dtype) if isinstance(other, np.ndarray) else (type(other), other)
        if (lifted := self.known.get(key)) is None:
            lifted = self.known[key] = self.lift(other)
        return cast(Self, lifted)

    # NumPy's protocols --------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__
        elementary = name in self.ELEMENTARY
        if method != "__call__" or kwargs or not (elementary or name in self.UFUNCS):
            raise TypeError(f"{type(self).__name__} has no {name}.{method} with {sorted(kwargs)}")
        first, *rest = map(self._lifted, inputs)
        return first.elementary(name) if elementary else getattr(first, name)(*rest)

    def __array_function__(self, func: Callable[..., Any], types: Iterable[type], args: Any, kwargs: Any) -> Any:
        if func.__name__ not in self.FUNCTIONS:
            raise TypeError(f"{type(self).__name__} has no numpy.{func.__name__}")
        if func is np.where:
            condition, yes, no = args
            return self._lifted(yes).select(np.asarray(condition, dtype=bool), self._lifted(no))
        if func is np.concatenate:
            return self.joined([self.lift(x) for x in args[0]], *args[1:], **kwargs)
        if func is np.stack:
            return self.stacked([self.lift(x) for x in args[0]], *args[1:], **kwargs)
        return getattr(self.lift(args[0]), func.__name__)(*args[1:], **kwargs)

    # Structure, which is the same whatever the elements are -------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, as NumPy gives it."""
        return self.parts()[0].shape

    @property
    def ndim(self) -> int:
        """The rank."""
        return self.parts()[0].ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.parts()[0].size

    @evaluated_once
    def T(self) -> Self:
        """The transpose."""
        return self.of_parts(*(part.T for part in self.parts()))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Index) -> Self:
        return self.of_parts(*(as_array(part[index]) for part in self.parts()))

    def square(self) -> Self:
        """x * x."""
        return cast(Self, self * self)

    def reciprocal(self) -> Self:
        """1 / x."""
        return cast(Self, 1 / self)

    def minimum(self, other: Self) -> Self:
        """The smaller of x and y."""
        return cast(Self, -np.maximum(-self, -other))

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Self:
        """The sum along axes, or of all elements, over their number."""
        total = self.sum(axis, keepdims)
        return cast(Self, total / (math.prod(self.shape) // max(math.prod(total.shape), 1)))

    def reshape(self, *shape: Any) -> Self:
        """Give the same elements in another shape."""
        return self.of_parts(*(part.reshape(*shape) for part in self.parts()))

    def swapaxes(self, one: int, other: int) -> Self:
        """Exchange two axes."""
        return self.of_parts(*(part.swapaxes(one, other) for part in self.parts()))

    def transpose(self, *axes: Any) -> Self:
        """Reorder the axes, or reverse them."""
        return self.of_parts(*(part.transpose(*axes) for part in self.parts()))

    def moveaxis(self, source: Integers, destination: Integers) -> Self:
        """Move axes to other places."""
        return self.of_parts(*(np.moveaxis(part, source, destination) for part in self.parts()))

    def expand_dims(self, axis: int) -> Self:
        """Add an axis of length 1."""
        return self.of_parts(*(np.expand_dims(part, axis) for part in self.parts()))

    def broadcast_to(self, shape: Integers) -> Self:
        """Repeat along new and length-1 axes."""
        return self.of_parts(*(np.broadcast_to(part, shape) for part in self.parts()))

    def select(self, condition: np.ndarray, other: Self) -> Self:
        """Take self where the condition holds, other elsewhere."""
        pairs = zip(self.parts(), other.parts(), strict=True)
        return self.of_parts(*(as_array(np.where(condition, a, b)) for a, b in pairs))

    def joined(self, arrays: list[Self], axis: int = 0) -> Self:
        """Concatenate arrays along an axis."""
        columns = zip(*(x.parts() for x in arrays), strict=True)
        return self.of_parts(*(np.concatenate(column, axis) for column in columns))

    def stacked(self, arrays: list[Self], axis: int = 0) -> Self:
        """Put arrays of one shape side by side along a new axis."""
        return self.joined([x.expand_dims(axis) for x in arrays], axis)

    def squeeze(self, axis: Axis = None) -> Self:
        """Drop axes of length 1."""
        return self.of_parts(*(part.squeeze(axis) for part in self.parts()))

    def repeat(self, repeats: int, axis: int) -> Self:
        """Repeat each element along an axis."""
        return self.of_parts(*(part.repeat(repeats, axis) for part in self.parts()))

    def take(self, indices: np.ndarray, axis: int) -> Self:
        """Pick along an axis by index."""
        return self.of_parts(*(as_array(part.take(indices, axis)) for part in self.parts()))

    def take_along_axis(self, indices: np.ndarray, axis: int) -> Self:
        """Pick along an axis by an index for each place."""
        return self.of_parts(*(np.take_along_axis(part, indices, axis) for part in self.parts()))

    def pad(self, width: Any, mode: str = "constant", constant_values: float = 0) -> Self:
        """Put exact constants around."""
        if mode != "constant":
            raise TypeError(f"{type(self).__name__} pads with constants alone")
        widths = [(int(before), int(after)) for before, after in np.broadcast_to(width, (self.ndim, 2))]
        shape = tuple(before + n + after for n, (before, after) in zip(self.shape, widths, strict=True))
        inside = tuple(slice(before, before + n) for n, (before, _) in zip(self.shape, widths, strict=True))
        around = [part.copy() for part in self.lift(np.full(shape, float(constant_values))).parts()]
        for whole, part in zip(around, self.parts(), strict=True):
            whole[inside] = part
        return self.of_parts(*around)

    def scatter_add(self, index: np.ndarray, size: int) -> Self:
        """Sum the rows (N, ...) with each index, (N,), into (size, ...); no row gives 0."""
        order, counts = np.argsort(index, kind="stable"), np.bincount(index, minlength=size)
        starts, sums, summed = np.cumsum(counts) - counts, [self[:0]], [np.zeros(0, np.int64)]
        for count in np.unique(counts):  # one sum for all places to which as many rows are added
            places = np.flatnonzero(counts == count)
            sums.append(self[order[starts[places][:, None] + np.arange(count)]].sum(axis=1))
            summed.append(places)
        return self.joined(sums)[np.argsort(np.concatenate(summed))]

    def matmul(self, other: Self) -> Self:
        """x @ y for vectors, matrices, and stacks of matrices, which broadcast."""
        if self.ndim == other.ndim == 2 and self.shape[1] == other.shape[0]:
            return self.product(other)
        if not self.ndim or not other.ndim:
            raise ValueError("a product of matrices needs at least one axis of each")
        if self.ndim == 1:
            return self.reshape(1, -1).matmul(other).squeeze(-2 if other.ndim > 1 else 0)
        if other.ndim == 1:
            return self.matmul(other.reshape(-1, 1)).squeeze(-1)
        if self.shape[-1] != other.shape[-2]:
            raise ValueError(f"shapes {self.shape} and {other.shape} do not make a product")
        stack = np.broadcast_shapes(self.shape[:-2], other.shape[:-2])
        if other.ndim == 2:  # one matrix for all: a single, longer product
            rows = self.reshape(math.prod(self.shape[:-1]), self.shape[-1]).product(other)
            return rows.reshape(*self.shape[:-1], other.shape[-1])
        one, two = (
            x.broadcast_to((*stack, *x.shape[-2:])).reshape(math.prod(stack), *x.shape[-2:]) for x in (self, other)
        )
        shape = (*stack, self.shape[-2], other.shape[-1])
        if not math.prod(stack):
            return self.lift(np.zeros(shape))
        return one.stacked_product(two).reshape(*shape)

    def ones_like(self) -> Self:
        """Exact ones of the same shape."""
        return self.lift(np.ones(self.shape))

    def zeros_like(self) -> Self:
        """Exact zeros of the same shape."""
        return self.lift(np.zeros(self.shape))


class DirectArray(FormulaArray):
    """A formula array whose operators need not go through NumPy for two arrays of its class."""

    __add__ = _directly("add", np.add)
    __sub__ = _directly("subtract", np.subtract)
    __mul__ = _directly("multiply", np.multiply)
    __truediv__ = _directly("divide", np.divide)
    __matmul__ = _directly("matmul", np.matmul)

    def negative(self) -> Self:
        """-x."""
        raise NotImplementedError

    def __neg__(self) -> Self:
        return self.negative()


def as_array(x: Any) -> np.ndarray:
    """Give an array, of rank 0 where an index or a reduction took a single element out of one."""
    if isinstance(x, np.ndarray):
        return x
    if isinstance(x, np.generic):
        return np.asarray(x)
    cell = np.empty((), dtype=object)
    cell[()] = x
    return cell


def over_elements(function: Callable[..., Any], arity: int) -> Callable[..., np.ndarray]:
    """Turn a function of elements into one of object arrays, with broadcasting."""
    ufunc = np.frompyfunc(function, arity, 1)
    return lambda *arrays: as_array(ufunc(*arrays))


def reduction_rows(parts: np.ndarray, axis: Axis, keepdims: bool) -> tuple[np.ndarray, tuple[int, ...]]:
    """Arrange an array for reduction: the reduced elements on the last axis, and the shape of the result."""
    order, rows, kept = _reduction(parts.shape, axis, keepdims)
    return parts.transpose(order).reshape(rows), kept


@cache
def _reduction(shape: tuple[int, ...], axis: Axis, keepdims: bool) -> tuple[tuple[int, ...], ...]:
    """Give the order of the axes, the shape as rows to be reduced, and that of the result."""
    ndim = len(shape)
    given = tuple(range(ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    if not all(-ndim <= a < ndim for a in given):
        raise ValueError(f"axis {axis} of an array of rank {ndim}")
    axes = [a % ndim for a in given]
    others = [i for i in range(ndim) if i not in axes]
    rows = math.prod(shape[i] for i in others), math.prod(shape[i] for i in axes)
    kept = [1 if i in axes else shape[i] for i in range(ndim) if keepdims or i not in axes]
    return tuple(others + axes), rows, tuple(kept)


def filled(rows: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Make an object array of a shape from its elements in C order."""
    return np.fromiter(rows, dtype=object, count=len(rows)).reshape(shape)
