"""The record as Markdown: the short table of the README, and those of docs/comparison.md."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from .checkers import ALL, CHECKERS, COLUMNS, MOST_SPOILED, OF_LARGE, OURS, STRICT
from .ours import KINDS
from .record import ByColumn, Fault, Results

ROOT = Path(__file__).parents[2]
DOCUMENTS = (ROOT / "docs" / "comparison.md", ROOT / "README.md")

TITLES = {
    OURS: "backproof, golden vectors",
    STRICT: "the same, `--impl-strict`",
    "same-inputs": "backproof, `assert_gradients`",
    "gradcheck": "`torch.autograd.gradcheck`",
    "gradcheck-fast": "the same, `fast_mode=True`",
    "check_grads": "`jax.test_util.check_grads`, float64",
    "check_grads-float32": "the same, float32",
    "numpy": "`numpy.testing.assert_allclose`",
    "torch": "`torch.testing.assert_close`",
    "flash": "FlashAttention's rule",
    "gpucheck": "`gpucheck.assert_close`",
}
HEADS = {
    OURS: "golden",
    STRICT: "strict",
    "same-inputs": "own data",
    "gradcheck": "gradcheck",
    "gradcheck-fast": "fast",
    "check_grads": "check_grads",
    "check_grads-float32": "float32",
    "numpy": "allclose",
    "torch": "assert_close",
    "flash": "flash",
    "gpucheck": "gpucheck",
}
SMALL_COLUMNS = tuple(column for column in COLUMNS if not column.endswith(OF_LARGE))


MOVES = 6
"""By so many a checker's faults or false alarms may differ on another machine: seen were 3."""
Belongs = Callable[[str, Fault], bool]


def used(results: Results) -> dict[str, tuple[str, ...]]:
    """The dtypes that each checker is of use at."""
    dtypes = {
        name: tuple(dtype for dtype in CHECKERS[name].dtypes if useful(*share_of(results, name, dtype)))
        for name in CHECKERS
    }
    return {OURS: (ALL,), STRICT: (ALL,)} | dtypes


def share_of(results: Results, name: str, dtype: str) -> tuple[int, int]:
    """How many calls of all operations are spoiled, and of how many."""
    shares = [by_dtype[dtype] for by_dtype in results.spoiled[name].values()]
    return sum(bad for bad, _ in shares), sum(whole for _, whole in shares)


def useful(spoiled: int, whole: int) -> bool:
    """Whether a checker is of use at a dtype at which it rejects so many calls of the plain implementation."""
    return spoiled <= MOST_SPOILED * whole


def rejects(column: str, rejected: ByColumn, dtypes: Iterable[str]) -> bool:
    """Whether a checker rejects at one of some dtypes, or was lost."""
    return bool({*rejected.get(column, ())} & {*dtypes, ALL})


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
            yield f"{title_of(column)} is of use at {', '.join(now[column])}; recorded: {', '.join(before[column])}"
            continue
        for what, count in (
            ("faults", lambda results, dtypes, column=column: kills(column, results.faults.values(), dtypes)),
            ("sound variants", lambda results, dtypes, column=column: len(alarms(results, column, dtypes))),
        ):
            was, is_ = count(recorded, before[column]), count(found, now[column])
            if abs(was - is_) > MOVES:
                yield f"{title_of(column)} rejects {is_} {what}; recorded: {was}"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    heads = [*head]
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *([*map(str, row)] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def short(results: Results) -> str:
    """One row a checker, with what it does at small and at large sizes."""
    faults, variants = len(results.faults), len(results.variants)
    rows = []
    for column in SMALL_COLUMNS:
        row: list[object] = [TITLES[column]]
        for name in (column, f"{column}{OF_LARGE}"):
            row += _figures(results, name) if name in COLUMNS else ["", "", ""]
        rows.append(row)
    head = (f"of {faults} faults rejects", f"of {variants} sound", "seconds")
    return table(("", *(f"{words}, {size}" for size in ("small", "large") for words in head)), rows)


def _figures(results: Results, column: str) -> list[str]:
    dtypes = used(results)[column]
    killed = kills(column, results.faults.values(), dtypes)
    false = sum(map(len, alarms(results, column, dtypes).values()))
    time = sum(results.seconds[OURS if column == STRICT else column].values())
    return [f"{killed} ({100 * killed / len(results.faults):.0f} %)", str(false), f"{time:.1f}"]


def of_operations(results: Results) -> str:
    """Faults rejected, by the kind of operation."""
    sys.path.insert(0, str(ROOT / "docs"))
    from _ext import operations

    ops = {title: set(names) for title, names in operations.kinds().items()}
    return _by(
        results, {title: (lambda name, _, some=some: name.partition(".")[0] in some) for title, some in ops.items()}
    )


def of_kinds(results: Results) -> str:
    """Faults rejected, by what they do."""
    own = used(results)["same-inputs"]

    def belongs(kind: str, ordinary: bool | None) -> Belongs:
        return lambda _, fault: fault.kind == kind and ordinary in (None, rejects("same-inputs", fault.rejected, own))

    groups: dict[str, Belongs] = {}
    for kind, title in KINDS.items():
        if kind == "value":
            groups |= {f"{title} on ordinary inputs": belongs(kind, True), f"{title} elsewhere": belongs(kind, False)}
        else:
            groups[title] = belongs(kind, None)
    return _by(results, groups)


def of_directions(results: Results) -> str:
    """Faults rejected, by the direction that is faulty."""
    return _by(results, {d: (lambda _, fault, d=d: fault.direction == d) for d in ("forward", "backward")})


def _by(results: Results, groups: Mapping[str, Belongs]) -> str:
    rows: list[tuple[object, ...]] = []
    for title, belongs in (groups | {"all": lambda *_: True}).items():
        faults = [fault for name, fault in results.faults.items() if belongs(name, fault)]
        if faults:
            rows.append((title, len(faults), *(kills(c, faults, used(results)[c]) for c in SMALL_COLUMNS)))
    return table(("", "faults", *(HEADS[column] for column in SMALL_COLUMNS)), rows)


def of_dtypes(results: Results) -> str:
    """What each checker rejects at each dtype: calls of the plain implementation, faults, sound variants."""
    rows = []
    for column, checker in CHECKERS.items():
        for dtype in checker.dtypes:
            bad, whole = share_of(results, column, dtype)
            killed = kills(column, results.faults.values(), [dtype])
            false = sum(map(len, alarms(results, column, [dtype]).values()))
            use = "yes" if useful(bad, whole) else "no"
            rows.append((title_of(column), dtype, f"{bad} of {whole}", use, killed, false))
    return table(("checker", "dtype", "calls spoiled", "used", "faults", "sound variants"), rows)


def title_of(column: str) -> str:
    """The title of a column, of large calls too."""
    name = column.removesuffix(OF_LARGE)
    return TITLES[name] if name == column else f"{TITLES[name]}, large"


def of_alarms(results: Results) -> str:
    """The sound variants that each checker rejects."""
    lines = []
    for column, dtypes in used(results).items():
        found = alarms(results, column, dtypes)
        told = "; ".join(f"{variant} ({', '.join(f'`{op}`' for op in ops)})" for variant, ops in found.items())
        lines.append(f"- {title_of(column)}: {told or 'none'}.")
    return "\n".join(lines)


def of_missed(results: Results) -> str:
    """How many faults backproof alone rejects, and some of them, by what they do."""
    others = {c: dtypes for c, dtypes in used(results).items() if c.removesuffix(OF_LARGE) not in _OF_OURS}
    missed = {
        name: fault
        for name, fault in results.faults.items()
        if not any(rejects(column, fault.rejected, dtypes) for column, dtypes in others.items())
    }
    lines = [f"{len(missed)} of {len(results.faults)} faults are rejected by none of the others.", ""]
    for kind, title in KINDS.items():
        names = [f"`{name}`" for name, fault in missed.items() if fault.kind == kind]
        if names:
            chosen = names[:: -(-len(names) // MOST_NAMED)]
            lines.append(f"- {title} ({len(names)}), such as {', '.join(chosen)}.")
    return "\n".join(lines)


_OF_OURS = (OURS, STRICT, "same-inputs")
MOST_NAMED = 8
"""Of faults of a kind."""


def of_found_by_others(results: Results) -> str:
    """The faults that another checker rejects and a default run of backproof does not."""
    faults = {name: fault for name, fault in results.faults.items() if OURS not in fault.rejected}
    lines = []
    for column, dtypes in ((c, d) for c, d in used(results).items() if c != STRICT):
        names = [f"`{name}`" for name, fault in faults.items() if rejects(column, fault.rejected, dtypes)]
        if names:
            lines.append(f"- {title_of(column)}: {', '.join(names)}.")
    return "\n".join(lines) or "None."


def of_versions(results: Results) -> str:
    """The versions that the record was made with."""
    return ", ".join(f"{name} {version}" for name, version in results.versions.items()) + "."


PARTS = {
    "short": short,
    "operations": of_operations,
    "kinds": of_kinds,
    "directions": of_directions,
    "dtypes": of_dtypes,
    "alarms": of_alarms,
    "missed": of_missed,
    "found by others": of_found_by_others,
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
