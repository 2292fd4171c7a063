"""Errors of skeletons."""


class ScaffoldError(Exception):
    """A skeleton that cannot be written. The message is one line: what was wrong, where, and what to do."""
