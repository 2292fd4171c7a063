"""The text of a failed assertion: the same as of a failed family, as far as the same is to be told."""

from collections.abc import Iterable, Iterator

import numpy as np

from ..check.messages import element, wrong_elements
from ..check.wording import listed, wrapped
from ..diagnosis.findings import Diagnosis
from ..terminal.summary import looks_like
from .call import OwnCall
from .judging import Judgement, Tally
from .sampling import sampled

LINES, SCREEN = 3, 24
"""Lines of a result without the picture of where it is wrong, and of all that have one, unless that is the first."""


def failure(
    call: OwnCall,
    judgements: Iterable[Judgement],
    diagnoses: Iterable[Diagnosis],
    looser: str | None,
    too_long: bool = False,
) -> str:
    """What is wrong with a call, as many lines. `too_long`: whether it takes too long to look for what it is."""
    all_of_them = list(judgements)
    bad = [j for j in all_of_them if j.wrong or j.misshapen]
    names = [name for j in bad for name in (*(t.name for t in j.wrong), *(n for n, _ in j.misshapen))]
    precisions = listed(dict.fromkeys(p if p.startswith(d) or p == "tf32" else f"{d}, {p}" for d, p in _worked(bad)))
    lines = [f"{call} ({precisions}): {listed(names)} {'is' if len(names) == 1 else 'are'} wrong"]
    pictures = 0
    for judgement in bad:
        for name, shape in judgement.misshapen:
            lines.append(f"{name} has shape {call.results[name].shape}, where {shape} is expected")
        for tally in judgement.wrong:
            lines += _tally(tally)
            picture = list(tally.picture.lines())
            if not pictures or pictures + len(picture) <= SCREEN - LINES * len(names):
                lines += (f"    {line}" for line in picture)
                pictures += len(picture)
    for diagnosis in diagnoses:
        lines += looks_like(diagnosis)
    if too_long:
        lines.append("    not told what it looks like: to look takes long of such a call; a smaller one may tell")
    if looser is not None:
        lines += wrapped(looser, "    ", "      ")
    if right := [name for j in all_of_them for name in j.right]:
        lines.append(f"right: {listed(right)}")
    for name, some, size in sampled(call):
        lines.append(f"of {name} {some:,} elements of {size:,} were judged ({some / size:.2g})")
    for judgement in all_of_them:
        lines += unjudged(judgement)
    return "\n".join(lines)


def _worked(judgements: Iterable[Judgement]) -> Iterator[tuple[str, str]]:
    for judgement in judgements:
        yield judgement.dtype, judgement.precision


def unjudged(judgement: Judgement) -> Iterator[str]:
    """A line for each result that is right of which elements have no bound, or none that says much of its errors."""
    for held in (True, False):
        if names := [name for name, judged in judgement.beyond if judged is held]:
            rest = (
                "half of the elements are held to a large multiple of what the formula is off by"
                if held
                else "nothing is judged"
            )
            have = "has" if len(names) == 1 else "have"
            grows = "as errors may grow for such lengths or magnitudes"
            yield f"{listed(names)} {have} no bound that says much, {grows}: {rest}"
    for name, count in judgement.unjudged:
        if name in dict(judgement.beyond):
            continue
        yield (
            f"{count} elements of {name} are not judged: for such arguments a step on the way may overflow or lose all "
            f"digits, and a sound implementation may give anything"
        )
    for name, times in judgement.drifting:
        yield (
            f"{name} keeps to its bound, which is for the worst case, and its errors are {times:.2g} times what "
            f"independent roundings come to: it may lack terms, or be added up in too low a precision"
        )


def _tally(tally: Tally) -> Iterator[str]:
    index, expected, tolerance = tally.worst
    got = tally.got[index]
    yield wrong_elements(tally.name, tally.wrong, tally.seen)
    with np.errstate(all="ignore"):
        yield from (f"    {line}" for line in element(index, got, expected, tolerance, tally.got.dtype))
