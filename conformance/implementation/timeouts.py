"""Calls that come to no end, and how many of them are waited for."""

MOST_CALLS = 2
"""So many lost calls in a row, and the rest of the family is not made."""
MOST_FAMILIES = 5
"""A function that lost calls of so many families, and answered none in between, is not called any more."""


class Lost(BaseException):
    """A call that came to no end: it hung, or what was to answer it is gone. The message is one line.

    No Exception, so that neither an adapter's own `except Exception` nor a check for a refusal takes it for its own.
    """


class Patience:
    """With one function: each lost call may cost seconds, and the rest of the run is to go on."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._calls = 0
        """Lost in a row, of the family at hand."""
        self._families = 0

    def begin_family(self) -> None:
        """Be patient anew."""
        self._calls = 0

    def ended(self) -> str:
        """Why no further call is to be made; empty where one is."""
        if self._families >= MOST_FAMILIES:
            return f"not called: {self._function} answered nothing in {MOST_FAMILIES} families in a row"
        return f"not called: {MOST_CALLS} calls before it were lost" if self._calls >= MOST_CALLS else ""

    def lose(self) -> None:
        """A call was lost."""
        if not self._calls:
            self._families += 1
        self._calls += 1

    def answer(self) -> None:
        """A call was answered."""
        self._calls = self._families = 0
