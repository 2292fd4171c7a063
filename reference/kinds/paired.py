"""Drafts of both directions from the same arguments, drafts of calls to refuse, and changes to drafts."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...vectors.records import DIRECTIONS, Parameter
from ..generation.draws import Words
from ..model.family import DRAWN, Draft, Inputs

Place = int | tuple[int, ...]
"""An index into an array: flat, or one for each axis."""


def families(
    name: str,
    flags: str,
    comment: str,
    cases: tuple[Inputs, ...] = (),
    *,
    draw: Callable[[Words], Inputs] | None = None,
    counts: int | tuple[int, int] = DRAWN,
    point: str | None = None,
    **more: Any,
) -> Iterator[Draft]:
    """Give the drafts `forward-NAME` and `backward-NAME`, or one alone where the name begins with its direction.

    flags: separated by spaces. cases, draw: arguments of backward; forward gets the same without the upstream.
    counts: how many cases to draw, or how many forward and how many backward.
    point: makes it a family of that convention. more: further fields of Draft.
    """
    if point:
        more |= {"point": point, "result": "convention"}
    start = name.partition("-")[0]
    both = (counts, counts) if isinstance(counts, int) else counts
    for direction, count in zip(DIRECTIONS, both, strict=True):
        if start in DIRECTIONS and start != direction:
            continue
        forward = direction == "forward"
        yield Draft(
            name if start == direction else f"{direction}-{name}",
            direction,
            tuple(flag for flag in flags.split() if not (forward and flag.startswith("upstream"))),
            comment,
            tuple(without_upstream(case) for case in cases) if forward else cases,
            (lambda w: without_upstream(draw(w))) if forward and draw else draw,
            count,
            **more,
        )


def table(*rows: tuple[str, str, str, tuple[Inputs, ...]], **more: Any) -> Iterator[Draft]:
    """Give the drafts of `families` for each row of a name, flags, a comment and cases."""
    for row in rows:
        yield from families(*row, **more)


def one_at_a_time(first: Inputs, last: Inputs) -> Iterator[Draft]:
    """Cases from the first to the last, of which each has one more argument of the last than the one before."""
    return in_steps(one_argument_at_a_time(first, last))


def in_steps(cases: tuple[Inputs, ...], name: str = "one-argument-at-a-time", **more: Any) -> Iterator[Draft]:
    """Cases that differ from the one before in one argument."""
    comment = "Each case differs from the one before in one argument: results remembered without it show."
    return families(name, "successive", comment, cases, **more)


def last_digits(*cases: Inputs) -> Iterator[Draft]:
    """Cases that differ in the last digits alone."""
    comment = "Each case differs from the one before in the last digits alone: results remembered for it show."
    return families("last-digits", "successive", comment, cases)


def nan_in_turn(case: Inputs, places: Mapping[str, Place]) -> Iterator[Draft]:
    """A NaN in each argument in turn, at its place."""
    comment = "A NaN in each argument in turn, which reaches what depends on it and nothing else."
    for direction, names in (("forward", without_upstream(case)), ("backward", case)):
        spoilt = tuple(with_element(case, name, places[name], math.nan) for name in names)
        yield from families(f"{direction}-nan", "nan", comment, spoilt, level="robust")


def with_element(case: Inputs, name: str, place: Place, value: float) -> Inputs:
    """Give a case with one element of an argument replaced."""
    changed = case[name].copy()
    (changed.reshape(-1) if isinstance(place, int) else changed)[place] = value
    return {**case, name: changed}


def one_argument_at_a_time(first: Inputs, last: Inputs) -> tuple[Inputs, ...]:
    """Give cases from the first to the last, each with one more argument of the last than the case before.

    So the answer to a case is wrong for the next one: whoever remembers answers by some of the arguments returns it.
    Both cases have the same arguments, of the same shapes, in the order of the call; equal ones are passed over.
    """
    names = [name for name in first if not np.array_equal(first[name], last[name])]
    return tuple(
        {name: last[name] if name in names[:k] else x for name, x in first.items()} for k in range(len(names) + 1)
    )


def without_upstream(case: Inputs) -> Inputs:
    """Give forward's arguments of a case of backward."""
    return {name: x for name, x in case.items() if not name.startswith("dL_d")}


def refused(name: str, flag: str, comment: str, *cases: Inputs, **parameters: Any) -> Iterator[Draft]:
    """Give drafts of calls that must raise, named as by `families`."""
    return families(name, flag, comment, cases, level="robust", result="invalid", parameters=parameters)


def changed(
    drafts: Iterable[Draft],
    changes: Mapping[str, Mapping[str, Any] | None],
    parameters: Mapping[str, Parameter] | None = None,
    suffix: str = "",
    cases: int = DRAWN,
) -> Iterator[Draft]:
    """Change fields of drafts by name, and omit those whose change is None.

    A changed point makes a draft one of a convention. All drafts get the parameters, and the suffix to their names.
    Where a drawn family would have DRAWN cases it has `cases`; of fewer, as many in proportion, and one at least.
    Raises ValueError where a change names no family.
    """
    unused = set(changes)
    for draft in drafts:
        unused.discard(draft.name)
        change = changes.get(draft.name, {})
        if change is not None:
            result = ("convention" if change["point"] else "valid") if "point" in change else draft.result
            count = max(change.get("count", draft.count) * cases // DRAWN, 1)
            given = {**(parameters or {}), **change.get("parameters", draft.parameters)}
            final = {"result": result, **change, "name": f"{draft.name}{suffix}", "count": count, "parameters": given}
            yield replace(draft, **final)
    if unused:
        raise ValueError(f"changes to families that there are not: {', '.join(sorted(unused))}")
