"""What an adapter declares: dtypes, working precisions, conventions."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from ...vectors.dtypes import DTYPES, PRECISIONS_OF
from ...vectors.records import Answer
from .errors import AdapterError, suggestion

NAMES = ("dtypes", "precision", "conventions")
DEFAULT_DTYPES = ("float64", "float32")
LABELS = "labels"
DETERMINISTIC = "deterministic"
THREAD_SAFE = "thread_safe"
_PROMISES = (DETERMINISTIC, THREAD_SAFE)
"""What an implementation may declare not to promise, by False."""


def dtypes_of(spec: str, declared: object) -> tuple[str, ...]:
    """The declared dtypes, widest first; float64 and float32 where nothing is declared. Raises AdapterError."""
    if declared is None:
        return DEFAULT_DTYPES
    words = (declared,) if isinstance(declared, str) else declared
    if not isinstance(words, Iterable):
        raise AdapterError(f'{spec}: dtypes is {declared!r}; write it as a list: dtypes = ["float64", "float32"]')
    names = {_dtype_name(word) for word in words}
    if unknown := sorted(names - set(DTYPES)):
        raise AdapterError(f"{spec}: dtypes has an unknown dtype {unknown[0]!r}; known are {', '.join(DTYPES)}")
    if not names:
        raise AdapterError(f"{spec}: dtypes is empty; name at least one of {', '.join(DTYPES)}")
    return tuple(name for name in DTYPES if name in names)


def _dtype_name(word: object) -> str:
    if isinstance(word, str):
        return word
    try:
        return np.dtype(word).name  # type: ignore[call-overload, no-any-return]
    except TypeError:
        return str(word)


def precision_of(spec: str, declared: object, operations: Collection[str]) -> Mapping[str, str]:
    """The declared working precision by "dtype" or "dtype:operation". Raises AdapterError."""
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        raise AdapterError(f'{spec}: precision is {declared!r}; write it as precision = {{"float32": "tf32"}}')
    found = {}
    for key, word in declared.items():
        dtype, colon, op = str(key).partition(":")
        if dtype not in PRECISIONS_OF:
            raise AdapterError(f"{spec}: precision has an unknown dtype {dtype!r}; known are {', '.join(DTYPES)}")
        if colon and op not in operations:
            near = suggestion(op, operations) or "; `backproof list` prints all"
            raise AdapterError(f"{spec}: precision[{key!r}] is for an unknown operation {op!r}{near}")
        found[key] = "native" if word == f"{dtype}-native" else word  # as it was spelled up to version 0.1
        if found[key] not in PRECISIONS_OF[dtype]:
            known = ", ".join(PRECISIONS_OF[dtype])
            raise AdapterError(f"{spec}: precision[{key!r}] is {word!r}; known for {dtype} are {known}")
    return found


def conventions_of(spec: str, declared: object) -> Mapping[str, object]:
    """The declared conventions by point, which `verify_conventions` holds against the vectors. Raises AdapterError."""
    if declared is None:
        return {}
    if not isinstance(declared, Mapping):
        raise AdapterError(f'{spec}: conventions is {declared!r}; write it as conventions = {{"labels": "unchecked"}}')
    if declared.get(LABELS, "checked") not in ("checked", "unchecked"):
        raise AdapterError(f"{spec}: conventions['labels'] is {declared[LABELS]!r}; write 'checked' or 'unchecked'")
    for promise in _PROMISES:
        if not isinstance(declared.get(promise, True), bool):
            raise AdapterError(f"{spec}: conventions[{promise!r}] is {declared[promise]!r}; write True or False")
    return {key: value if key in _PROMISES else str(value) for key, value in declared.items()}


def verify_conventions(spec: str, conventions: Mapping[str, object], answers: Iterable[Answer]) -> None:
    """Raise AdapterError where a declared convention is not one of the vectors."""
    known: dict[str, list[str]] = {}
    for answer in answers:
        known.setdefault(answer.point, []).append(answer.answer)
    for point, declared in conventions.items():
        if point in (LABELS, *_PROMISES):
            continue
        if point not in known:
            words = ", ".join([LABELS, *_PROMISES, *known])
            raise AdapterError(f"{spec}: conventions has an unknown name {point!r}; known are {words}")
        if declared not in known[point]:
            raise AdapterError(
                f"{spec}: conventions[{point!r}] is {declared!r}; known answers are "
                + ", ".join(map(repr, dict.fromkeys(known[point])))
            )
