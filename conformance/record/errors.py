"""Errors of records and pages."""


class ReportError(Exception):
    """Something that cannot be read or made. The message is one line: what is wrong, where, and what to do."""
