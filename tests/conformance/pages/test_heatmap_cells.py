"""Numbers and colours of the pictures of a page."""

import pytest
from backproof.conformance.pages.heatmap_cells import BANDS, band, ratio


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (0.5049, "0.5"),
        (1.04, "1"),
        (24.2, "24"),
        (99.6, "100"),
        (400.0, "400"),
        (999.7, "1e3"),
        (4.19e6, "4e6"),
        (1e15, "1e15"),
        (1e308, "1e308"),
        (float("inf"), "\u221e"),
    ],
)
def test_a_ratio_has_a_digit_or_two(value: float, words: str) -> None:
    assert ratio(value) == words


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (0.0, "0"),
        (1e-9, "within the bound"),
        (1.0, "within the bound"),
        (1.01, "up to 10 times"),
        (1000.0, "up to 1,000 times"),
        (1e6, "up to a million times"),
        (1e7, "beyond"),
        ("exact", "no number, or not the exact one"),
        ("nan", "no number, or not the exact one"),
    ],
)
def test_a_cell_has_the_colour_of_its_size(cell: float | str, words: str) -> None:
    assert BANDS[band(cell)] == words
