"""The flags of cases, and the answers at points where the field has several."""

from ...vectors.records import Answer, Flag

_DLFS = "https://github.com/oreilly-japan/deep-learning-from-scratch"
_HIGHAM = "https://doi.org/10.1137/1.9780898718027"
_SOFTMAX = "https://doi.org/10.1093/imanum/draa038"
_TOSA = "https://www.mlplatform.org/tosa/tosa_spec.html"
_IEEE = "https://doi.org/10.1109/IEEESTD.2019.8766229"
_LESSON = "https://nnfs.io"

FLAGS = {
    flag.name: flag
    for flag in (
        Flag("lesson", "any", "a figure that a lesson prints does not come out", _LESSON),
        Flag("random", "any", "wrong on ordinary input", "https://github.com/pytorch/pytorch/issues/81417"),
        Flag("smallest", "shape", "a loop or a squeeze that needs more than one of something", _LESSON),
        Flag(
            "batch-of-one",
            "shape",
            "the batch axis is dropped, or its sum skipped",
            "https://github.com/deeplearning4j/deeplearning4j/issues/364",
        ),
        Flag(
            "empty-batch",
            "shape",
            "an exception, or NaN where zeros are due",
            "https://github.com/pytorch/pytorch/issues/50224",
        ),
        Flag(
            "square",
            "transposition",
            "right for every other shape: W in place of its transpose shows by value alone",
            "https://github.com/nntile/nntile/issues/433",
        ),
        Flag(
            "distinct-sizes",
            "axis",
            "an axis or a size taken for another",
            "https://github.com/mlpack/mlpack/issues/3679",
        ),
        Flag("odd-sizes", "tile edge", "the last rows or columns are wrong or missing", _TOSA),
        Flag(
            "further-form",
            "shape",
            "wrong for tensors of a rank that an implementation may refuse, and does not",
            "https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html",
        ),
        Flag("rank", "shape", "an axis counted from the wrong end", "https://github.com/ddbourgin/numpy-ml"),
        Flag(
            "stride-zero",
            "layout",
            "a broadcast upstream read as if it were contiguous",
            "https://github.com/Dao-AILab/flash-attention/issues/355",
        ),
        Flag("upstream-zero", "upstream", "a gradient where none is due", _DLFS),
        Flag("upstream-one-hot", "upstream", "the upstream is ignored or spread over the wrong elements", _DLFS),
        Flag(
            "upstream-signed",
            "upstream",
            "the sign or the size of the upstream is lost",
            "https://github.com/nntrainer/nntrainer/issues/4326",
        ),
        Flag(
            "successive",
            "state",
            "an answer is remembered for inputs that differ in their last digits",
            "https://docs.python.org/3/library/functools.html#functools.cache",
        ),
        Flag("cancellation", "precision", "digits lost where large terms cancel", _TOSA),
        Flag("spread", "precision", "small terms are swallowed, or an absolute tolerance hides them", _TOSA),
        Flag("small-values", "precision", "a constant added to a denominator or a logarithm shows", _DLFS),
        Flag("subnormal", "underflow", "subnormal numbers are flushed to 0 or misread", _IEEE),
        Flag("one-product", "underflow", "a subnormal product has the wrong sign, where it may be 0", _IEEE),
        Flag("near-overflow", "overflow", "an intermediate leaves the range though the result does not", _IEEE),
        Flag("overflow", "overflow", "no infinity where the result is one", _IEEE),
        Flag("signed-zero", "special value", "-0 treated as less than 0", _IEEE),
        Flag("infinity", "special value", "an infinity becomes NaN, or a finite number", _IEEE),
        Flag("nan", "special value", "a NaN is swallowed", "https://github.com/pytorch/pytorch/issues/7999"),
        Flag(
            "infinite-upstream",
            "special value",
            "a dead unit passes NaN",
            "https://github.com/pytorch/pytorch/issues/81417",
        ),
        Flag(
            "saturated",
            "overflow",
            "NaN, or no digit right, where a function is nearly flat: exp overflows, or 1 - s cancels",
            "https://github.com/tenstorrent/tt-metal/issues/55724",
        ),
        Flag(
            "broadcast",
            "axis",
            "the gradient of an operand that was repeated is not summed, or over another axis",
            "https://github.com/tensorflow/tfjs/issues/8721",
        ),
        Flag(
            "epsilon",
            "precision",
            "the epsilon is another, or stands outside the root",
            "https://github.com/pjreddie/darknet/issues/1723",
        ),
        Flag(
            "offset",
            "precision",
            "a variance as the difference of two large numbers",
            "https://github.com/pytorch/pytorch/issues/188375",
        ),
        Flag("kink", "convention", "the slope at exactly 0 is none that anyone defends", _DLFS + "/issues/43"),
        Flag("near-kink", "branch", "the comparison has a threshold other than 0", _DLFS),
        Flag(
            "dead",
            "branch",
            "a unit that is off passes gradient, or one that is on does not",
            "https://github.com/mlpack/mlpack/issues/2005",
        ),
        Flag("equal-logits", "branch", "ties of the maximum are treated as one winner", _SOFTMAX),
        Flag("shifted-logits", "precision", "error grows with a constant common to all logits", _SOFTMAX),
        Flag("far-logits", "overflow", "exp overflows: inf or NaN where probabilities are due", _SOFTMAX),
        Flag(
            "masked-logits",
            "special value",
            "-inf as a mask leaks NaN",
            "https://github.com/pytorch/pytorch/issues/31829",
        ),
        Flag("one-class", "shape", "a softmax over one class is not 1, or its gradient not 0", _SOFTMAX),
        Flag("many-classes", "precision", "a long sum loses digits or overflows its accumulator", _SOFTMAX),
        Flag("many-rows", "precision", "a long sum over the batch stalls in a short accumulator", _HIGHAM),
        Flag("probability-zero", "special value", "-y / p at p = 0", _LESSON),
        Flag(
            "probability-one",
            "special value",
            "log 1 is not 0, or (1 - y) / (1 - p) shows",
            "https://github.com/eriklindernoren/ML-From-Scratch",
        ),
        Flag(
            "clipping-edge",
            "convention",
            "clipped probabilities computed and not used, or used in one place alone",
            _LESSON,
        ),
        Flag("label-edge", "labels", "the first or the last class is off by one", _LESSON),
        Flag("labels-indices", "labels", "indices read as rows", _LESSON),
        Flag("labels-one-hot", "labels", "one-hot rows read as indices", _LESSON),
        Flag("labels-soft", "labels", "soft rows reduced to their largest entry", _LESSON),
        Flag(
            "label-mass",
            "labels",
            "a row of labels that does not sum to 1 is scaled, or treated one way forward and another backward",
            "https://github.com/pytorch/pytorch/issues/11959",
        ),
        Flag("confident-right", "precision", "p - 1 is lost, or the loss is negative", _SOFTMAX),
        Flag("confident-wrong", "overflow", "the loss is inf or NaN, or is clipped", _SOFTMAX),
        Flag(
            "reduction",
            "reduction",
            "a factor N, or a division by the number of elements",
            "https://github.com/apache/mxnet/issues/9911",
        ),
        Flag("label-range", "validation", "a label out of range reads another row's memory, or wraps around", _LESSON),
        Flag("label-length", "validation", "labels of another length are broadcast or cut off", _LESSON),
        Flag(
            "size-mismatch",
            "validation",
            "mismatched sizes are broadcast instead of refused",
            "https://github.com/jimfleming/differentiation/issues/1",
        ),
    )
}
"""By name. A case's flags say what it is there to catch."""

_AT_EDGES = {
    "none": "what lies on either edge counts as clipped: nothing passes",
    "both": "what lies on either edge counts as inside: all passes",
    "upper": "clipped at the lower edge, inside at the upper: two differences with x > edge",
    "upper-half": "clipped at the lower edge, and a minimum that shares ties",
    "halves": "a maximum and a minimum that share ties",
}

ANSWERS = (
    Answer("relu_slope_at_zero", "0", True, "the left-hand derivative: nothing passes at exactly 0"),
    Answer("relu_slope_at_zero", "1/2", False, "halfway between both sides, as a maximum that shares ties has it"),
    Answer("relu_slope_at_zero", "1", False, "the right-hand derivative: all passes at exactly 0"),
    Answer("relu_slope_at_nan", "0", True, "NaN > 0 is false, so nothing passes"),
    Answer("relu_slope_at_nan", "1", False, "NaN <= 0 is false, so all passes"),
    Answer("relu_slope_at_nan", "nan", False, "a NaN input makes its gradient NaN"),
    Answer("relu_of_nan", "nan", True, "NaN propagates through the maximum"),
    Answer("relu_of_nan", "0", False, "NaN > 0 is false, so the output is 0"),
    Answer("infinite_times_zero", "0", True, "a selection: a dead unit passes nothing, not even an infinity"),
    Answer("infinite_times_zero", "nan", False, "a product with the mask: inf * 0 is NaN"),
    Answer("activation_at_infinity", "nan", True, "an infinity times the share 0 of it that passes is NaN"),
    Answer("activation_at_infinity", "limit", False, "the limits: 0 and slope 0 at -inf, slope 1 at inf"),
    Answer("activation_at_infinity", "limit-of-slope", False, "NaN at -inf, but the limits of the slope: 0 and 1"),
    Answer("leaky_relu_slope_at_zero", "negative_slope", True, "the left-hand derivative"),
    Answer("leaky_relu_slope_at_zero", "1", False, "the right-hand derivative: all passes at exactly 0"),
    Answer("leaky_relu_slope_at_zero", "halfway", False, "halfway between both, as a maximum that shares ties has it"),
    Answer("elu_slope_at_zero", "alpha", True, "the left-hand derivative, alpha; in selu times the scale"),
    Answer("elu_slope_at_zero", "1", False, "the right-hand derivative, 1; in selu the scale"),
    *(
        Answer(point, answer, answer == "none", explanation)
        for point in ("relu6_slope_at_edges", "clip_slope_at_edges")
        for answer, explanation in _AT_EDGES.items()
    ),
    Answer("slope_at_nan", "nan", True, "a NaN input makes its gradient NaN"),
    Answer("slope_at_nan", "0", False, "comparisons with NaN are false, which leaves the flat piece: nothing passes"),
    Answer("slope_at_nan", "left", False, "comparisons with NaN are false, which leaves the piece on the left"),
    Answer("slope_at_nan", "middle", False, "comparisons with NaN are false, which leaves the piece between the kinks"),
    Answer("slope_at_nan", "right", False, "comparisons with NaN are false, which leaves the piece on the right"),
    Answer("softsign_at_infinity", "nan", True, "an infinity over an infinity is NaN"),
    Answer("softsign_at_infinity", "limit", False, "the limits: -1 and 1"),
    Answer("softplus_threshold", "none", True, "the same formula throughout"),
    Answer("softplus_threshold", "20", False, "x itself where beta x is above 20, which is off by 2e-9 / beta at most"),
    Answer("abs_slope_at_zero", "0", True, "halfway between both sides, as the sign of 0 is 0"),
    Answer("abs_slope_at_zero", "1", False, "the right-hand derivative, as x >= 0 has it"),
    Answer("abs_slope_at_zero", "-1", False, "the left-hand derivative, as x > 0 has it"),
    Answer("loss_slope_at_nan", "nan", True, "a NaN prediction makes its gradient NaN"),
    Answer("loss_slope_at_nan", "0", False, "comparisons with NaN are false, and the sign of NaN is 0"),
    Answer("infinite_logit", "infinite", True, "the loss of an infinite logit that is wrong is infinite"),
    Answer("infinite_logit", "product", False, "as (1 - y) x + softplus(-x) has it: NaN at 0 times infinity"),
    Answer("infinite_logit", "difference", False, "as max(x, 0) - x y has it: NaN at infinity times 0"),
    Answer("hinge_at_margin", "0", True, "nothing passes where target times prediction is exactly 1"),
    Answer("hinge_at_margin", "-1", False, "all passes there, with the sign of the target turned"),
    Answer("hinge_at_margin", "-1/2", False, "half of it passes, as a maximum that shares ties has it"),
    Answer("probability_clipping", "none", True, "probabilities are taken as they are; -log 0 is inf"),
    Answer("probability_clipping", "zero-slope", False, "clipped to [1e-7, 1 - 1e-7]; nothing passes where clipped"),
    Answer("probability_clipping", "denominator", False, "clipped to [1e-7, 1 - 1e-7] in the loss and in -y / p"),
    Answer("probability_clipping", "loss", False, "clipped to [1e-7, 1 - 1e-7] in the loss, and not in p - y"),
    Answer("probability_clipping", "logarithm", False, "logarithms are -100 at least, p (1 - p) 1e-12 in the gradient"),
    Answer("label_mass", "scaled", True, "the loss is -sum(y log p), its gradient p sum(y) - y"),
    Answer("label_mass", "unscaled", False, "the loss is -sum(y log p), its gradient p - y, as if y summed to 1"),
    Answer("label_mass", "logsumexp", False, "the loss is logsumexp(z) - sum(y z), its gradient p - y"),
    Answer("label_mass", "shifted", False, "the same of logits less their maximum, z - max(z)"),
    Answer("all_masked_row", "nan", True, "a softmax over no classes is 0 / 0"),
    Answer("all_masked_row", "0", False, "a row without a class has no probability to give, and no gradient"),
    Answer("empty_mean", "nan", True, "the mean over no rows is 0 / 0"),
    Answer("empty_mean", "0", False, "the mean over no rows is 0"),
)
"""All answers, the canonical one of each point first."""
