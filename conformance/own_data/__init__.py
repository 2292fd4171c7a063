"""Judge gradients and outputs of a user's own tensors, of any size, in a test of theirs."""
