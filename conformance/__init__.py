"""The checker: a pytest plugin that holds an implementation of backpropagation against the golden vectors."""
