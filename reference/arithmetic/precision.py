"""The working precisions: what a rounding may cost, as a table."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, eq=False)  # a format is itself alone, and hashes as fast
class Format:
    """A binary floating-point format, or one that a tensor core reads its operands in."""

    significand: int
    """Bits of the significand, the hidden one included."""
    smallest_normal: int
    """Exponent of the smallest normal number, 2**smallest_normal."""
    largest: Fraction
    """The largest finite number."""
    threshold: int
    """Exponent of eta, the most that an underflow can cost: the smallest normal number, since some implementations
    flush subnormal results to 0; for float16 the smallest subnormal."""

    @property
    def unit_roundoff(self) -> Fraction:
        """Half the distance from 1 to the next number: 2**-significand."""
        return Fraction(1, 1 << self.significand)


def _largest(significand: int, exponent: int) -> Fraction:
    return (2 - Fraction(1, 1 << (significand - 1))) * (1 << exponent)


FLOAT64 = Format(53, -1022, _largest(53, 1023), -1022)
FLOAT32 = Format(24, -126, _largest(24, 127), -126)
FLOAT16 = Format(11, -14, _largest(11, 15), -24)
BFLOAT16 = Format(8, -126, _largest(8, 127), -126)
TF32 = Format(11, -126, _largest(11, 127), -126)


@dataclass(frozen=True)
class Precision:
    """How a sound implementation computes."""

    name: str
    format: Format
    """What every operation's result is rounded to."""
    accumulator: Format
    """What sums and contractions are accumulated in."""
    operand: Format
    """What the operands of a contraction are rounded to first."""
    longest: int | None = None
    """The longest sum or contraction for which a tolerance is given; None where there is no limit."""

    def same_as(self, other: "Precision", reductions: set[str]) -> bool:
        """Say whether a formula that has used these of "sum" and "contraction" is rounded alike at both."""
        operands = self.operand is other.operand or "contraction" not in reductions
        return self.format is other.format and operands and (self.accumulator is other.accumulator or not reductions)


PRECISIONS = {
    p.name: p
    for p in (
        Precision("float64", FLOAT64, FLOAT64, FLOAT64),
        Precision("float32", FLOAT32, FLOAT32, FLOAT32),
        Precision("tf32", FLOAT32, FLOAT32, TF32),
        Precision("float16", FLOAT16, FLOAT32, FLOAT16),
        Precision("bfloat16", BFLOAT16, FLOAT32, BFLOAT16),
        Precision("float16-native", FLOAT16, FLOAT16, FLOAT16, longest=16),
        Precision("bfloat16-native", BFLOAT16, BFLOAT16, BFLOAT16, longest=16),
    )
}

FORMATS = {"float64": FLOAT64, "float32": FLOAT32, "float16": FLOAT16, "bfloat16": BFLOAT16}
"""The format of each dtype."""

HALF = ("float16", "bfloat16")
"""The dtypes that are half as wide as float32."""
