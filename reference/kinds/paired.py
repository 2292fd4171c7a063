"""Families that ask both directions about the same kind of inputs, and calls to refuse."""

from collections.abc import Callable, Iterator
from typing import Any

from ...vectors.records import Parameter
from ..generation.draws import Words
from ..model.family import Draft, Inputs

Draw = Callable[[Words], Inputs]


def paired(
    name: str,
    flags: tuple[str, ...],
    comment: str,
    *,
    cases: tuple[Inputs, ...] = (),
    draw: Draw | None = None,
    forward: int = 1,
    backward: int = 1,
    **common: Any,
) -> Iterator[Draft]:
    """Give two drafts, `forward-NAME` and `backward-NAME`.

    cases and draw are backward's: forward is asked about the same arguments without their upstream. forward and
    backward are how many cases of each to draw; common goes to both drafts.
    """
    yield Draft(
        f"forward-{name}",
        "forward",
        tuple(flag for flag in flags if not flag.startswith("upstream")),
        comment,
        cases=tuple(without_upstream(case) for case in cases),
        draw=draw and (lambda w: without_upstream(draw(w))),
        count=forward,
        **common,
    )
    yield Draft(f"backward-{name}", "backward", flags, comment, cases=cases, draw=draw, count=backward, **common)


def without_upstream(case: Inputs) -> Inputs:
    """Give forward's arguments of a case of backward."""
    return {name: x for name, x in case.items() if not name.startswith("dL_d")}


def refused(name: str, flag: str, comment: str, case: Inputs, **parameters: Parameter) -> Draft:
    """Give a draft of one call that must raise; its name begins with its direction."""
    return Draft(
        name,
        name.partition("-")[0],
        (flag,),
        comment,
        cases=(case,),
        parameters=parameters,
        level="robust",
        result="invalid",
    )
