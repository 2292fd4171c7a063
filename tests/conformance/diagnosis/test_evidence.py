"""What is known of an implementation when its failures are to be explained."""

import numpy as np
import pytest
from backproof.conformance.diagnosis.evidence import gather
from backproof.reference.faults import by_name
from diagnosed import few, of_fault, ran


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize(
    ("op", "name", "results"),
    [
        ("dense", "dweights_inputs_here_of_first_call", {"dL_dweights"}),
        ("lstm", "backward_weight_gradients_dsums_of_first_call", {"dL_dweight_ih", "dL_dweight_hh"}),
        ("dense", "dbiases_sum_to_mean", set()),
        ("lstm", "backward_every_result_last_row_left_out", set()),
    ],
)
def test_what_is_kept_between_calls_shows_when_they_are_made_in_another_order(
    op: str, name: str, results: set[str]
) -> None:
    subject, vectors = of_fault(by_name(op)[name]), few(op)
    families = [item for item in ran(subject, vectors) if item.family.direction == "backward"]
    subject.setup()
    with np.errstate(all="ignore"):
        assert gather(families, "backward", subject, vectors).reordered == results
