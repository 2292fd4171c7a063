"""`backproof new-adapter`: skeletons of adapters, made from the operations."""
