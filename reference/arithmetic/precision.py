"""The working precisions: what a rounding may cost, as a table."""

from dataclasses import dataclass

from ...vectors.dtypes import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, TF32, Format


@dataclass(frozen=True)
class Precision:
    """The formats in which a sound implementation computes."""

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
