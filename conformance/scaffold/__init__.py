"""The skeletons that `backproof new-adapter` writes: what has to be filled in, from the operations as they are."""
