"""Where in a tensor the error sits."""

import numpy as np
import pytest
from backproof.conformance.check.heatmap import MOST_CELLS, Heatmap, heatmap_of
from backproof.conformance.check.messages import wrong_values
from backproof.conformance.check.values import compare


def of_scores(score: np.ndarray) -> Heatmap:
    """The picture of a tensor of these scores, where every value is finite and no tolerance 0."""
    ones = np.ones(score.shape)
    return heatmap_of("outputs", 3, score, ones, ones, ones)


@pytest.mark.parametrize(
    ("shape", "rows", "columns"), [((), 1, 1), ((5,), 1, 5), ((4, 6), 4, 6), ((2, 3, 4), 6, 4), ((2, 3, 4, 5), 24, 5)]
)
def test_all_axes_but_the_last_become_rows(shape: tuple[int, ...], rows: int, columns: int) -> None:
    score = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    shown = of_scores(score)
    assert (shown.shape, shown.rows, shown.columns) == (shape, rows, columns)
    assert np.array_equal(shown.cells, score.reshape(rows, columns))


def test_a_large_tensor_is_reduced_to_the_worst_of_each_block() -> None:
    score = np.zeros((70, 1000))
    score[69, 999] = 7.0
    score[0, 500] = 3.0
    cells = np.array(of_scores(score).cells)
    assert cells.shape == (MOST_CELLS, MOST_CELLS)
    assert (cells[-1, -1], cells[0, 16]) == (7.0, 3.0)
    assert np.count_nonzero(cells) == 2


def test_every_element_is_in_some_block() -> None:
    for size in range(1, 100):
        cells = [cell for (cell,) in zip(*of_scores(np.arange(1.0, size + 1)).cells, strict=True)]
        assert max(cells) == size
        assert cells == sorted(cells)
        assert len(cells) == min(size, MOST_CELLS)


def test_what_is_no_number_is_a_word_and_outranks_any_number_of_its_block() -> None:
    got = np.array([np.nan, np.inf, 1.0, 2.0, 5.0])
    expected = np.array([1.0, 1.0, np.inf, 3.0, 1.0])
    tolerance = np.array([1.0, 1.0, 0.0, 0.0, 2.0])
    score = compare(got[None], expected[None], tolerance[None], "float64").score[0]
    (cells,) = heatmap_of("outputs", 0, score, got, expected, tolerance).cells
    assert cells == ("nan", "inf", "finite", "exact", 2.0)
    many = [np.tile(array, 20) for array in (score, got, expected, tolerance)]
    (cells,) = heatmap_of("outputs", 0, *many).cells
    assert set(cells) == {"nan", "inf", "finite"}


def test_a_ratio_beyond_float64_is_still_a_number_of_json() -> None:
    ones = np.ones(2)
    ((first, second),) = heatmap_of("outputs", 0, np.array([np.inf, 1.0]), ones, ones, ones).cells
    assert (first, second) == (1e308, 1.0)


def test_a_wrong_value_carries_the_picture_of_its_worst_case() -> None:
    expected = np.ones((3, 2, 2))
    got = expected.copy()
    got[1, 0, 1] = 3.0
    got[2, 1, 0] = 9.0
    tolerance = np.full_like(expected, 0.5)
    comparison = compare(got, expected, tolerance, "float64")
    miss = wrong_values("outputs", comparison, (got, expected, tolerance), np.array([4, 5, 6]), robust=False)
    assert miss.heatmap == Heatmap("outputs", 6, (2, 2), 2, 2, ((0.0, 0.0), (16.0, 0.0)))
