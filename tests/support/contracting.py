"""Sound arithmetic in which a rounding may be left out for one reader of a number and not for another."""

from typing import Any, Self

import numpy as np
from sound_arithmetic import Sound


class Contracting(Sound):
    """An array that remembers what it was before its last rounding, where a compiler might.

    An addition or a sum reads a product as it was at random, which is a fused multiply-add; and every step reads a
    stored number as it was, which is then still in a register.
    """

    before: np.ndarray | None = None
    """The products, as float64, which holds those of all dtypes but its own."""
    register: np.ndarray | None = None
    """What was stored, in the dtype that is computed in."""

    def lift(self, other: Any) -> Self:
        """Read an operand, from memory or from its register."""
        lifted = super().lift(other)
        if isinstance(lifted, Contracting) and lifted.register is not None and self.style.random.random() < 0.5:
            return self.of_parts(lifted.register)
        return lifted

    def multiply(self, other: Self) -> Self:
        """x * y."""
        result = self.of_parts(self.computed("multiply", self.data, other.data))
        if self.style.dtype.itemsize < 8:
            result.before = self.data.astype(np.float64) * other.data.astype(np.float64)
        return result

    def add(self, other: Self) -> Self:
        """x + y, fused with a product at random."""
        for x, y in ((self, other), (other, self)):
            if x.before is not None and self.style.random.random() < 0.5:
                total = (x.before + y.data.astype(np.float64)).astype(self.style.dtype)
                return self.of_parts(self.style.flushed(total, self.style.precision.format))
        return self.of_parts(self.computed("add", self.data, other.data))

    def subtract(self, other: Self) -> Self:
        """x - y, fused with a product at random."""
        negative = self.of_parts(-other.data)
        negative.before = None if other.before is None else -other.before
        return self.add(negative)

    def stored(self) -> Self:
        """Round to the tensors' own dtype."""
        result = super().stored()
        result.register = self.data
        return result
