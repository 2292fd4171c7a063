"""The record as Markdown: the short table of the README, and those of docs/comparison.md."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from backproof.vectors.dtypes import DTYPES

from .calls import OPERATIONS
from .checkers import COLUMNS, MOST_SPOILED, OURS, STRICT
from .ours import KINDS
from .record import ByColumn, Fault, Results

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "docs" / "comparison.md", ROOT / "README.md")

TITLES = {
    OURS: "backproof",
    STRICT: "backproof `--impl-strict`",
    "gradcheck": "`torch.autograd.gradcheck`",
    "gradcheck-fast": "the same, `fast_mode=True`",
    "check_grads": "`jax.test_util.check_grads`, float64",
    "check_grads-float32": "the same, float32",
    "lesson": "the lesson's relative error",
    "numpy": "`numpy.testing.assert_allclose`",
    "onnx": "the same, ONNX's `rtol=1e-3`",
    "torch": "`torch.testing.assert_close`",
}
HEADS = {
    OURS: "backproof",
    STRICT: "strict",
    "gradcheck": "gradcheck",
    "gradcheck-fast": "fast",
    "check_grads": "check_grads",
    "check_grads-float32": "float32",
    "lesson": "lesson",
    "numpy": "allclose",
    "onnx": "1e-3",
    "torch": "assert_close",
}


MOVES = 6
"""By so many a checker's faults or false alarms may differ on another machine: seen were 3."""
Belongs = Callable[[str, Fault], bool]


def used(results: Results) -> dict[str, tuple[str, ...]]:
    """The dtypes that each checker is of use at; all of them for backproof."""
    dtypes = {
        name: tuple(dtype for dtype, share in shares.items() if useful(*share))
        for name, shares in results.spoiled.items()
    }
    return {OURS: DTYPES, STRICT: DTYPES} | dtypes


def useful(spoiled: int, whole: int) -> bool:
    """Whether a checker is of use at a dtype at which it rejects so many calls of the plain implementation."""
    return spoiled <= MOST_SPOILED * whole


def rejects(column: str, rejected: ByColumn, dtypes: Iterable[str]) -> bool:
    """Whether a checker rejects at one of some dtypes, or was lost."""
    return bool({*rejected.get(column, ())} & {*dtypes, "all"})


def kills(column: str, faults: Iterable[Fault], dtypes: Iterable[str]) -> int:
    """How many of some faults a checker rejects."""
    return sum(rejects(column, fault.rejected, dtypes) for fault in faults)


def alarms(results: Results, column: str, dtypes: Iterable[str]) -> dict[str, list[str]]:
    """The operations at which a checker rejects a sound variant, by the variant's name."""
    found: dict[str, list[str]] = {}
    for name, rejected in results.variants.items():
        if rejects(column, rejected, dtypes):
            variant, op = name.rsplit(": ", 1)
            found.setdefault(variant, []).append(op)
    return found


def moved(recorded: Results, found: Results) -> Iterator[str]:
    """A line for every checker whose dtypes or numbers are not those recorded, by more than a machine explains."""
    before, now = used(recorded), used(found)
    for column in before:
        if before[column] != now[column]:
            yield f"{TITLES[column]} is of use at {', '.join(now[column])}; recorded: {', '.join(before[column])}"
            continue
        for what, count in (
            ("faults", lambda results, dtypes, column=column: kills(column, results.faults.values(), dtypes)),
            ("sound variants", lambda results, dtypes, column=column: len(alarms(results, column, dtypes))),
        ):
            was, is_ = count(recorded, before[column]), count(found, now[column])
            if abs(was - is_) > MOVES:
                yield f"{TITLES[column]} rejects {is_} {what}; recorded: {was}"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    heads = [*head]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *([*map(str, row)] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def short(results: Results) -> str:
    """One row a checker."""
    variants = {name.rsplit(": ", 1)[0] for name in results.variants}
    rows = []
    for column, dtypes in used(results).items():
        killed, false = kills(column, results.faults.values(), dtypes), len(alarms(results, column, dtypes))
        time = results.seconds[OURS if column == STRICT else column] / results.seconds[OURS]
        rows.append((TITLES[column], killed, f"{100 * killed / len(results.faults):.0f} %", false, f"{time:.2f}"))
    head = ("checker", f"of {len(results.faults)} faults rejects", "", f"of {len(variants)} sound rejects", "time")
    return table(head, rows)


def of_operations(results: Results) -> str:
    """Faults rejected, by operation."""
    return _by(results, {op: (lambda name, _, op=op: name.startswith(f"{op}.")) for op in OPERATIONS})


def of_kinds(results: Results) -> str:
    """Faults rejected, by what they do."""
    return _by(results, {title: (lambda _, fault, kind=kind: fault.kind == kind) for kind, title in KINDS.items()})


def of_directions(results: Results) -> str:
    """Faults rejected, by the direction that is faulty."""
    return _by(results, {d: (lambda _, fault, d=d: fault.direction == d) for d in ("forward", "backward")})


def _by(results: Results, groups: Mapping[str, Belongs]) -> str:
    rows: list[tuple[object, ...]] = []
    for title, belongs in (groups | {"all": lambda *_: True}).items():
        faults = [fault for name, fault in results.faults.items() if belongs(name, fault)]
        if faults:
            rows.append((title, len(faults), *(kills(c, faults, dtypes) for c, dtypes in used(results).items())))
    return table(("", "faults", *(HEADS[column] for column in COLUMNS)), rows)


def of_dtypes(results: Results) -> str:
    """What each checker rejects at each dtype: calls of the plain implementation, faults, sound variants."""
    shares = {name: dict(by_dtype) for name, by_dtype in results.spoiled.items()}
    rows = []
    for column in COLUMNS:
        for dtype in DTYPES if column in (OURS, STRICT) else shares[column]:
            bad, whole = shares.get(column, {}).get(dtype, (0, 0))
            calls = f"{bad} of {whole}" if whole else ""
            killed = kills(column, results.faults.values(), [dtype])
            false = len(alarms(results, column, [dtype]))
            rows.append((TITLES[column], dtype, calls, "yes" if useful(bad, whole) else "no", killed, false))
    return table(("checker", "dtype", "calls spoiled", "used", "faults", "sound variants"), rows)


def of_alarms(results: Results) -> str:
    """The sound variants that each checker rejects."""
    lines = []
    for column, dtypes in used(results).items():
        found = alarms(results, column, dtypes)
        told = "; ".join(f"{variant} ({', '.join(f'`{op}`' for op in ops)})" for variant, ops in found.items())
        lines.append(f"- {TITLES[column]}: {told or 'none'}.")
    return "\n".join(lines)


def of_missed(results: Results) -> str:
    """The faults that backproof alone rejects, by what they do."""
    others = {column: dtypes for column, dtypes in used(results).items() if column not in (OURS, STRICT)}
    missed = {
        name: fault
        for name, fault in results.faults.items()
        if not any(rejects(column, fault.rejected, dtypes) for column, dtypes in others.items())
    }
    lines = [f"{len(missed)} of {len(results.faults)} faults are rejected by none of the others.", ""]
    for kind, title in KINDS.items():
        names = [f"`{name}`" for name, fault in missed.items() if fault.kind == kind]
        if names:
            lines.append(f"- {title} ({len(names)}): {', '.join(names)}.")
    return "\n".join(lines)


def of_found_by_others(results: Results) -> str:
    """The faults that another checker rejects and a default run of backproof does not."""
    faults = {name: fault for name, fault in results.faults.items() if OURS not in fault.rejected}
    lines = []
    for column, dtypes in ((c, d) for c, d in used(results).items() if c != STRICT):
        names = [f"`{name}`" for name, fault in faults.items() if rejects(column, fault.rejected, dtypes)]
        if names:
            lines.append(f"- {TITLES[column]}: {', '.join(names)}.")
    return "\n".join(lines) or "None."


def of_versions(results: Results) -> str:
    """The versions that the record was made with."""
    return ", ".join(f"{name} {version}" for name, version in results.versions.items()) + "."


def of_seconds(results: Results) -> str:
    """How long each checker takes over the plain implementation of all operations."""
    base = results.seconds[OURS]
    rows = ((TITLES[name], f"{time:.2f}", f"{time / base:.2f}") for name, time in results.seconds.items())
    return table(("checker", "seconds", "of backproof's"), rows)


PARTS = {
    "short": short,
    "operations": of_operations,
    "kinds": of_kinds,
    "directions": of_directions,
    "dtypes": of_dtypes,
    "alarms": of_alarms,
    "missed": of_missed,
    "found by others": of_found_by_others,
    "seconds": of_seconds,
    "versions": of_versions,
}


def filled(text: str, results: Results) -> str:
    """A document with each part between `<!-- comparison: NAME -->` and `<!-- end -->` as the record has it."""
    for name, part in PARTS.items():
        mark = re.escape(f"<!-- comparison: {name} -->")
        whole = f"<!-- comparison: {name} -->\n\n{part(results)}\n\n<!-- end -->"
        text = re.sub(rf"{mark}\n.*?<!-- end -->", lambda _, whole=whole: whole, text, flags=re.DOTALL)
    return text


def write_documents(results: Results) -> None:
    """Put the tables into the documents, where these have marks for them."""
    for document in DOCUMENTS:
        document.write_text(filled(document.read_text(), results))
