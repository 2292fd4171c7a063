"""A heatmap of the error, ready to be drawn: a table of cells, or shapes where it is large."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from ..check.heatmap import Heatmap, Score

BANDS = (
    "0",
    "within the bound",
    "up to 10 times",
    "up to 1,000 times",
    "up to a million times",
    "beyond",
    "no number, or not the exact one",
)
"""The bands of error over tolerance, each with a colour of its own."""
_ENDS = (0.0, 1.0, 10.0, 1e3, 1e6)
_WORDS = {"exact": "exact due", "finite": "finite", "inf": "\N{INFINITY}", "nan": "NaN"}
_WIDEST, _TALLEST = 8, 16
"""The largest heatmap whose cells show their numbers."""


@dataclass(frozen=True)
class HeatmapView:
    """A heatmap, ready to be drawn."""

    heatmap: Heatmap

    @property
    def is_table(self) -> bool:
        """Whether its cells are few enough to hold their numbers."""
        return self.height <= _TALLEST and self.width <= _WIDEST

    @property
    def height(self) -> int:
        """In cells."""
        return len(self.heatmap.cells)

    @property
    def width(self) -> int:
        """In cells."""
        return len(self.heatmap.cells[0])

    @property
    def shape(self) -> str:
        """The tensor's shape: "4 x 3"."""
        return " x ".join(map(str, self.heatmap.shape)) or "scalar"

    @property
    def remark(self) -> str:
        """How the tensor was folded and reduced; empty where it was not."""
        parts = []
        if len(self.heatmap.shape) > 2:
            parts.append(f"as {self.heatmap.rows} rows of {self.heatmap.columns}")
        if (self.height, self.width) != (self.heatmap.rows, self.heatmap.columns):
            parts.append(f"reduced to {self.height} x {self.width} cells, each the worst of its block")
        return ", ".join(parts)

    @property
    def told(self) -> str:
        """A sentence that describes the heatmap, for screen readers."""
        placed = [(band(cell), cell, r, c) for r, row in enumerate(self.heatmap.cells) for c, cell in enumerate(row)]
        beyond = sum(at[0] > 1 for at in placed)
        worst = max(placed, key=lambda at: (at[0], at[1] if isinstance(at[1], float | int) else 0.0))
        place = f"row {worst[2] + 1}, column {worst[3] + 1}"
        return f"{beyond} of {len(placed)} cells are beyond the bound; the worst is {cell_text(worst[1])} in {place}"

    def rows(self) -> Iterator[list[tuple[int, str]]]:
        """Band and text of each cell, row by row."""
        return ([(band(cell), cell_text(cell)) for cell in row] for row in self.heatmap.cells)

    def shapes(self) -> Iterator[tuple[int, str]]:
        """For each band the outline of its cells as an SVG path, one unit a cell."""
        drawn: dict[int, list[str]] = {}
        for y, row in enumerate(self.heatmap.cells):
            for number, alike in groupby(enumerate(row), key=lambda at: band(at[1])):
                columns = [x for x, _ in alike]
                drawn.setdefault(number, []).append(f"M{columns[0]} {y}h{len(columns)}v1h-{len(columns)}z")
        return ((number, "".join(parts)) for number, parts in sorted(drawn.items()))


def band(cell: Score) -> int:
    """The index of a cell's band in BANDS."""
    if isinstance(cell, str):
        return len(BANDS) - 1
    return next((number for number, end in enumerate(_ENDS) if cell <= end), len(_ENDS))


def cell_text(cell: Score) -> str:
    """A cell in a few characters."""
    return _WORDS[cell] if isinstance(cell, str) else ratio(cell)


def ratio(value: float) -> str:
    """Error over tolerance in a digit or two."""
    if value == float("inf"):
        return "\N{INFINITY}"
    if value < 99.5:
        return f"{value:.2g}"
    return f"{value:.0f}" if value < 999.5 else f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
