"""Numbers that results are often off by: constants that have a name, and what is made of lengths and parameters."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np

NAMES = {
    "ln 2": math.log(2),
    "1/ln 2": 1 / math.log(2),
    "ln 10": math.log(10),
    "1/ln 10": 1 / math.log(10),
    "sqrt 2": math.sqrt(2),
    "1/sqrt 2": math.sqrt(0.5),
    "pi": math.pi,
    "1/pi": 1 / math.pi,
    "sqrt(2/pi)": math.sqrt(2 / math.pi),
    "1/sqrt(2 pi)": 1 / math.sqrt(2 * math.pi),
    "1/3": 1 / 3,
    "2/3": 2 / 3,
}


def named(value: float) -> str:
    """A constant's name in parentheses, empty where it has none."""
    name = next((name for name, known in NAMES.items() if abs(abs(value) - known) <= 1e-4 * known), "")
    return f" ({'-' if value < 0 else ''}{name})" if name else ""


_OF_ONE: tuple[tuple[str, Callable[..., float]], ...] = (
    ("{0}", lambda n: n),
    ("1/{0}", lambda n: 1 / n),
    ("sqrt({0})", math.sqrt),
    ("1/sqrt({0})", lambda n: 1 / math.sqrt(n)),
    ("({0} - 1)/{0}", lambda n: (n - 1) / n),
    ("{0}/({0} - 1)", lambda n: n / (n - 1)),
    ("{0}^2", lambda n: n * n),
    ("1/{0}^2", lambda n: 1 / (n * n)),
    *((f"ceil({{0}} / {size})", lambda n, size=size: math.ceil(n / size)) for size in (4, 8, 16, 32, 64, 128, 256)),
)
_OF_TWO: tuple[tuple[str, Callable[..., float]], ...] = (
    ("{0}/{1}", lambda n, m: n / m),
    ("1/({0} * {1})", lambda n, m: 1 / (n * m)),
)

TOLD = 2
"""So many names are told of what comes to the same."""


def expressions(names: Sequence[str]) -> Iterator[tuple[str, Callable[[Mapping[str, float]], float | None]]]:
    """What can be made of one number, or of two, given their names: in words, and as a function of the numbers by name;
    None where it has no value."""
    for count, table in ((1, _OF_ONE), (2, _OF_TWO)):
        for words, of in table:
            for some in permutations(names, count):
                yield words.format(*some), partial(_value, of, some)


def _value(of: Callable[..., float], names: Sequence[str], numbers: Mapping[str, float]) -> float | None:
    try:
        return of(*(numbers[name] for name in names))
    except (KeyError, ValueError, ZeroDivisionError):
        return None


def coming_to(
    value: float, numbers: Mapping[str, float], others: Iterable[Mapping[str, float]]
) -> Iterator[tuple[str, Callable[[Mapping[str, float]], float | None]]]:
    """What is made of some numbers that comes to a value, and to several of other numbers: two names of what comes to
    the same of all these are one."""

    def comes(of: Callable[[Mapping[str, float]], float | None]) -> bool:
        here = of(numbers)
        return here not in (None, 1) and abs(here - value) <= 1e-5 * abs(value)

    if not any(comes(of) for _, of in expressions(list(numbers))):
        return  # before the others are asked
    rest = list(others)
    names: dict[object, str] = {}  # the first of those that are the same everywhere, as lengths of several arguments
    for name, known in numbers.items():
        names.setdefault((known, *(other.get(name) for other in rest)), name)
    found: dict[tuple[float | None, ...], list[tuple[str, Callable[[Mapping[str, float]], float | None]]]] = {}
    for words, of in expressions(list(names.values())):
        if comes(of):
            found.setdefault(tuple(map(of, rest)), []).append((words, of))
    for elsewhere, alike in found.items():
        if len(set(elsewhere)) > 1:
            yield ", or ".join(words for words, _ in alike[:TOLD]), alike[0][1]


def numbers_of(
    sizes: Mapping[str, float], parameters: Mapping[str, Any], arguments: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """What a result may be multiplied by, by name: lengths, parameters, an upstream that is one."""
    numbers = {name: value for name, value in parameters.items() if type(value) in (int, float)}
    upstreams = {name: tensor for name, tensor in arguments.items() if name.startswith("dL_d")}
    scalars = {name: float(t) for name, t in upstreams.items() if not t.ndim}
    images = {f"math.prod({name}.shape[2:])": math.prod(t.shape[2:]) for name, t in upstreams.items() if t.ndim > 3}
    several = ((name, value) for name, value in parameters.items() if isinstance(value, tuple | list))
    pairs = {f"{name}[{k}]": n for name, value in several for k, n in enumerate(value) if type(n) is int and n}
    return {**sizes, **images, **numbers, **pairs, **scalars}


STEPS, SLOW, ROUNDED, SHARE, LARGEST_STEP = 10, 3, 1e-6, 8, -50.0
"""So many steps are taken at most, and so many before they have to come nearer, unless they are as small as roundings
of float32 make them. A positive constant is changed by such a share of it, its logarithm by no more than so much."""


def first_step(value: float) -> float:
    """By how much a constant is changed to see what that does."""
    return max(1e-4 * abs(value), 1e-7)


def solved(
    at: Callable[[float], np.ndarray | None], got: np.ndarray, value: float, positive: bool = False
) -> float | None:
    """The constant by Gauss and Newton; None where it does not matter, or there is none. A positive one stays so: what
    would take it to 0 or below is a step of its logarithm."""
    moves: list[float] = []
    for _ in range(STEPS):
        step = value / SHARE if positive and value else first_step(value)
        here, there = at(value), at(value + step)
        if here is None or there is None:
            return None
        slope, rest = (there - here) / step, got - here
        usable = np.isfinite(slope) & np.isfinite(rest)
        slope, rest = slope[usable], rest[usable]
        square = float(slope @ slope)
        if not square or not math.isfinite(square):
            return None
        move = float(slope @ rest) / square
        if positive and move <= -value < 0:
            move = value * math.expm1(max(move / value, LARGEST_STEP))
        value += move
        moves.append(abs(move))
        if len(moves) > SLOW and moves[-1] > moves[-1 - SLOW] / 2:
            return value if moves[-1] <= ROUNDED * abs(value) else None
        if not math.isfinite(value) or abs(move) <= 1e-12 * abs(value):
            break
    return value if math.isfinite(value) else None
