"""Calls that time out or lose the process that was to answer them, and how many of them are made."""

SHORTEST, LONGEST = 1e-3, 86_400.0
"""The range of a call's time limit in seconds: a millisecond to a day."""
MOST_CALLS = 2
"""After so many lost calls in a row, the rest of the family is not called."""
MOST_FAMILIES = 5
"""A function that lost calls in so many families, and answered none in between, is not called any more."""


class Lost(BaseException):
    """A call that timed out, or whose process died. The message is one line.

    No Exception, so that neither an adapter's own `except Exception` nor a check for a refusal takes it for its own.
    """


class LostCalls:
    """Counts the lost calls of one function: each may cost seconds, and the rest of the run has to go on."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._calls = 0
        """Lost in a row, of the family at hand."""
        self._families = 0

    def begin_family(self) -> None:
        """Note that the calls of another family begin."""
        self._calls = 0

    def why_not_called(self) -> str:
        """Why no further call is to be made; empty where one is."""
        if self._families >= MOST_FAMILIES:
            return f"not called: {self._function} answered nothing in {MOST_FAMILIES} families in a row"
        return f"not called: {MOST_CALLS} calls before it were lost" if self._calls >= MOST_CALLS else ""

    def lose(self) -> None:
        """Note that a call was lost."""
        if not self._calls:
            self._families += 1
        self._calls += 1

    def answer(self) -> None:
        """Note that a call was answered."""
        self._calls = self._families = 0
