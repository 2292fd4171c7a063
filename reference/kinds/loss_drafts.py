"""How the families of a loss are drafted: drawn over a form of labels, a reduction and a shape, or curated."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..generation.draws import Words, held
from ..model.family import Draft, Inputs
from .labels_drawn import labels_drawn, upstream_drawn

Shape = tuple[int, int]
DrawScores = Callable[[Words, Shape], np.ndarray]
DrawLabels = Callable[[Words, str, np.ndarray], np.ndarray]
DrawUpstream = Callable[[Words, int, str], np.ndarray]


@dataclass(frozen=True)
class Loss:
    """What tells one loss's ordinary calls from another's."""

    scores: str
    """The name of the argument beside the labels."""
    draw: DrawScores
    """Draws ordinary scores (N, C)."""
    labels: DrawLabels = labels_drawn
    """Draws ordinary labels of a form for given scores."""
    even: DrawScores | None = None
    """Draws scores whose classes are all nearly as likely."""
    directions: tuple[str, ...] = ("forward", "backward")
    count: int = 16
    """Cases of a small random family."""

    def call(self, dtype: str, scores: object, labels: object, upstream: object = None) -> Inputs:
        """Give the arguments of forward, or with an upstream of backward. Labels of rank 1 are indices."""
        y = np.asarray(labels)
        arguments = {self.scores: held(scores, dtype), "labels": y.astype(np.int64) if y.ndim == 1 else held(y, dtype)}
        return arguments if upstream is None else {"dL_dloss": held(upstream, dtype), **arguments}


@dataclass(frozen=True)
class Cell:
    """A form of labels, a reduction and a shape."""

    form: str
    reduction: str
    rows: int
    classes: int

    @property
    def name(self) -> str:
        """As ids have it: "indices-mean-n5-c3"."""
        return f"{self.form}-{self.reduction}-n{self.rows}-c{self.classes}"


def family(
    loss: Loss,
    direction: str,
    cell: Cell,
    name: str,
    flags: tuple[str, ...],
    comment: str,
    *,
    scores: DrawScores | None = None,
    labels: DrawLabels | None = None,
    upstream: DrawUpstream = upstream_drawn,
    count: int | None = None,
    level: str = "required",
    overflows: bool = False,
) -> Draft:
    """Give a drawn family. `scores` (N, C), `labels` and `upstream` say what is not as usual."""
    draw_scores, draw_labels = scores or loss.draw, labels or loss.labels

    def draw(w: Words) -> Inputs:
        drawn = draw_scores(w, (cell.rows, cell.classes))
        call = {loss.scores: drawn, "labels": draw_labels(w, cell.form, drawn)}
        if direction == "forward":
            return call
        return {"dL_dloss": upstream(w, cell.rows, cell.reduction), **call}

    return Draft(
        name=f"{direction}-{name}-{cell.name}",
        direction=direction,
        flags=flags,
        comment=comment,
        draw=draw,
        count=loss.count if count is None else count,
        parameters={"reduction": cell.reduction},
        level=level,
        overflows=overflows,
    )


def curated(
    name: str,
    flags: tuple[str, ...],
    comment: str,
    cases: tuple[Inputs, ...],
    reduction: str = "none",
    *,
    level: str = "required",
    point: str | None = None,
    source: str = "",
    overflows: bool = False,
) -> Draft:
    """Give a curated family, whose name begins with its direction; with a point it is one of a convention."""
    return Draft(
        name=name,
        direction=name.partition("-")[0],
        flags=flags,
        comment=comment,
        cases=cases,
        parameters={"reduction": reduction},
        level=level,
        result="convention" if point else "valid",
        point=point,
        source=source,
        overflows=overflows,
    )
