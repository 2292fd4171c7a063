"""Judge an implementation on cases that are drawn while it runs: other shapes and values than the golden files have."""
