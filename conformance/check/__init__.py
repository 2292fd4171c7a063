"""Check an implementation on one family of cases: call it, compare the results, and report what is wrong."""
