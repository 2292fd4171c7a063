"""The working precisions: what a rounding may cost, as a table."""

from dataclasses import dataclass

from ...vectors.dtypes import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, TF32, Format


@dataclass(frozen=True)
class Precision:
    """The formats in which a sound implementation computes."""

    format: Format
    """What every operation's result is rounded to."""
    accumulator: Format
    """What sums and contractions are accumulated in."""
    operand: Format
    """What the operands of a contraction are rounded to first."""
    result: Format
    """What is stored and returned is rounded to: the tensors' own."""
    longest: int | None = None
    """The longest sum or contraction for which a tolerance is given; None where there is no limit."""

    @property
    def reduction(self) -> Format:
        """What elementary functions reduce their arguments in: float32 at least."""
        return self.format if self.format is FLOAT64 else FLOAT32

    def same_as(self, other: "Precision", reductions: set[str]) -> bool:
        """Say whether a formula that has used these of "sum" and "contraction" is rounded alike at both."""
        operands = self.operand is other.operand or "contraction" not in reductions
        accumulators = self.accumulator is other.accumulator or not reductions
        return self.format is other.format and operands and accumulators


def _half(own: Format) -> dict[str, Precision]:
    return {
        "fused": Precision(FLOAT32, FLOAT32, FLOAT32, own),
        "stepwise": Precision(own, FLOAT32, own, own),
        "native": Precision(own, own, own, own, longest=16),
    }


PRECISIONS: dict[str, dict[str, Precision]] = {
    "float64": {"float64": Precision(FLOAT64, FLOAT64, FLOAT64, FLOAT64)},
    "float32": {
        "float32": Precision(FLOAT32, FLOAT32, FLOAT32, FLOAT32),
        "tf32": Precision(FLOAT32, FLOAT32, TF32, FLOAT32),
    },
    "float16": _half(FLOAT16),
    "bfloat16": _half(BFLOAT16),
}
"""By dtype and name."""


def precision_model(dtype: str, name: str) -> Precision:
    """Give a dtype's working precision by name. Raises KeyError where there is none."""
    return PRECISIONS[dtype][name]
