"""What formulas call beside NumPy."""

import math

import flint
import mpmath
import numpy as np
import pytest
from backproof.reference.arithmetic.ball import Ball
from backproof.reference.arithmetic.exact import rounded
from backproof.reference.model import functions
from backproof.reference.model.functions import erf, erf_absolute, erfc, inverse_sqrt

CONSTANTS = {
    "SQRT_HALF": lambda: mpmath.sqrt(0.5),
    "INV_SQRT_2PI": lambda: 1 / mpmath.sqrt(2 * mpmath.pi),
    "SQRT_2_OVER_PI": lambda: mpmath.sqrt(2 / mpmath.pi),
}
HARD = np.array([0.0, -0.0, 1e-300, 0.5, -1.0, 3.0, -6.0, 26.0, math.inf, -math.inf, math.nan])


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_is_right_to_all_digits_and_widens_nothing(name: str) -> None:
    constant, flint.ctx.prec = getattr(functions, name), 256
    with mpmath.workdps(60):
        due = CONSTANTS[name]()
        assert mpmath.almosteq(mpmath.mpf((constant.ball().mid()).str(60, radius=False)), due, 1e-55)
        assert float(constant) == float(due)
    for dtype in (np.float16, np.float32, np.float64):
        for product in (np.ones(2, dtype) * constant, constant * np.ones(2, dtype)):
            assert product.dtype == dtype
    assert rounded((Ball(np.ones(1)) * constant).balls[0]) == float(constant)


def test_the_inverse_of_a_square_root() -> None:
    assert float(inverse_sqrt(16)) == 0.25
    assert inverse_sqrt(7) is inverse_sqrt(7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("function", "due"), [(erf, math.erf), (erf_absolute, math.erf), (erfc, math.erfc)])
def test_error_functions_keep_the_dtype_and_take_every_number(function, due, dtype) -> None:  # type: ignore[no-untyped-def]
    x = HARD.astype(dtype)
    got = function(x)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, np.array([due(float(v)) for v in x]).astype(dtype))
    assert function(x[:0]).shape == (0,)
    assert function(x[3]).shape == ()
