"""The plan of a run, read and checked before anything runs: implementation, families, expected failures."""

import argparse
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import pytest

from ...reference.model.vocabulary import FLAGS
from ...vectors import store
from ...vectors.dtypes import DTYPES
from ...vectors.files import bytes_of, one_line
from ...vectors.manifest import FamilyCount, hash_of_stranger, read_manifest
from ...vectors.records import DIRECTIONS, LEVELS, Family, OperationVectors
from ...vectors.validation import problems
from ..implementation.declarations import DETERMINISTIC, LABELS, verify_conventions
from ..implementation.load import Implementation
from ..implementation.options import OptionError, parse_options
from ..implementation.own_operations import generated, read_operations
from ..implementation.timeouts import LONGEST, SHORTEST
from ..remote.loading import ended, loaded
from . import xfails
from .selection import (
    Selection,
    explicit_arguments,
    golden_nodeid,
    item_name,
    known_words,
    live_arguments,
    live_nodeid,
    partition,
    select,
    shadowed,
)
from .xfails import ExpectedFailure


@dataclass(frozen=True)
class ChosenFile:
    """A vector file and the families of it that are to run."""

    nodeid: str
    path: Path
    vectors: OperationVectors
    chosen: tuple[Family, ...]
    golden: OperationVectors | None = None
    """Of live cases: the vectors that they are made after. What stands for them is in `vectors`."""


@dataclass(frozen=True)
class Plan:
    """The plan of a run."""

    implementation: Implementation
    files: tuple[ChosenFile, ...]
    paths: tuple[str, ...]
    """Arguments that name no vector file, left to pytest."""
    whole: bool
    """Whether all golden files were asked for, by giving no path."""
    strict: bool
    required: Mapping[str, tuple[FamilyCount, ...]]
    """The families of operations of which something has to pass, by the manifest."""
    expected: tuple[ExpectedFailure, ...]
    absent: Mapping[str, tuple[FamilyCount, ...]]
    """Operations of which the implementation has no function, and how many families they have by the manifest: their
    files are not read. Empty where the run is of the last failures alone."""
    known: Mapping[str, str]
    """The family's id by node id, of all golden families and of the files given; empty without expected failures."""
    strangers: Mapping[str, str]
    """Vector files that the manifest does not list, by node id, and their SHA-256."""
    vectors_version: str
    own_operations: tuple[str, ...]
    """The user's own, of `--impl-ops`."""
    remarks: tuple[str, ...]
    """Further lines of the header."""


def read_plan(config: pytest.Config) -> Plan:
    """Read everything that the options name. Raises UsageError, AdapterError or VectorError, of one line."""
    option = config.option
    folder = config.invocation_params.dir
    own_operations = read_operations(option.impl_own, folder) if option.impl_own else ()
    golden = golden_files() | {op: store.golden_folder() / f"{op}.h5" for op in own_operations}
    given = explicit_arguments(config)
    live = live_arguments(given, golden, folder)
    selections, paths = partition([a for a in given if a not in live], golden, folder, config.rootpath)
    own = [(selection, _read_own(selection)) for selection in selections if not _is_golden(selection)]
    manifest = read_manifest(store.golden_folder())
    strangers = {s.nodeid: found for s, _ in own if (found := hash_of_stranger(bytes_of(s.path), manifest))}
    operations = sorted({*golden, *(vectors.op for _, vectors in own)})
    wanted_ops = known_words("--impl-op", option.impl_ops or (None if given else own_operations), operations)
    wanted_dtypes = known_words("--impl-dtype", option.impl_dtypes, DTYPES)
    if not given:
        selections = [Selection(path, golden_nodeid(op)) for op, path in golden.items()]
    # Golden files first: under --lf pytest leaves out whole files once it has come upon a failing one that it can find.
    implementation = _implementation(config, operations)
    implementation = replace(implementation, own_operations=tuple(option.impl_own or ()))
    absent = (
        {}
        if given or own_operations or _names_families(option, operations)
        else _absent(implementation, golden, wanted_dtypes)
    )

    named = {live_nodeid(op): op for op in golden}
    chosen = {s.path.stem for s in selections if _is_golden(s)} | {named[a.partition("::")[0]] for a in live}

    @cache  # for golden families and for live cases that are made after them
    def vectors_of(op: str) -> OperationVectors:
        return generated(op, wanted_dtypes) if op in own_operations else store.read_golden(op)

    installed = [
        (s, vectors_of(s.path.stem))
        for s in selections
        if _is_golden(s) and s.path.stem in wanted_ops and s.path.stem not in absent
    ]
    files = tuple(
        ChosenFile(
            selection.nodeid,
            selection.path,
            vectors,
            tuple(f for f in select(selection, vectors.families) if f.op in wanted_ops and f.dtype in wanted_dtypes),
        )
        for selection, vectors in installed + own
    )
    kinds = [*["live"] * (option.impl_live is not None), *["large"] * (option.impl_size is not None)]
    if option.impl_live is not None and not option.impl_live > 0:
        raise pytest.UsageError(f"--impl-live={option.impl_live:g}: give a number of seconds above 0")
    if live or kinds:
        wanted = {op: path for op, path in golden.items() if op in wanted_ops}
        files += tuple(_live_files(implementation, wanted, vectors_of, wanted_dtypes, kinds, live))
    counts = golden_counts() | {f.vectors.op: store.counts(f.vectors) for f in files if f.vectors.op in own_operations}
    if implementation.conventions.keys() - {LABELS, DETERMINISTIC}:
        answers = [answer for vectors in all_vectors(files).values() for answer in vectors.answers]
        verify_conventions(implementation.spec, implementation.conventions, answers)
    strict = option.impl_strict or option.runxfail
    if option.impl_xfails == "":
        raise pytest.UsageError("--impl-xfails= names no file; write --impl-xfails=xfails.txt")
    expected = _expected(config) if option.impl_xfails and not option.runxfail else ()
    return Plan(
        implementation=implementation,
        files=files,
        paths=tuple(paths),
        whole=not given,
        strict=strict,
        required=_required(option.impl_require, counts, chosen & wanted_ops, implementation, wanted_dtypes),
        expected=expected,
        absent={} if _reruns_failures(config) else absent,
        known=_known_families(files) if expected else {},
        strangers=strangers,
        vectors_version=manifest.vectors_version,
        own_operations=own_operations,
        remarks=(
            *([implementation.isolated] if implementation.isolated else []),
            *([f"written in {implementation.language}"] if implementation.language else []),
            *(f"with {key}={value}" for key, value in implementation.options.items()),
            *([] if option.impl_seed is None else [f"families in the order of --impl-seed={option.impl_seed}"]),
            *(
                []
                if option.impl_live is None
                else [f"live cases of seed {option.impl_seed or 0} for {option.impl_live:g} s"]
            ),
            *([] if option.impl_size is None else [f"large cases of seed {option.impl_seed or 0}"]),
            *(["strict: robust misses fail"] if strict else []),
            *([f"failures are expected by {option.impl_xfails}"] if expected else []),
            *(f"{nodeid} is none of backproof's files: nobody vouches for its values" for nodeid in strangers),
            *(f"{selection.nodeid} holds vectors {vectors.vectors_version}" for selection, vectors in own),
            *(f"{key} is held to {precision}, as declared" for key, precision in implementation.precision.items()),
            *(f"{name} is the installed file; write ./{name} for your own" for name in shadowed(given, golden, folder)),
        ),
    )


def _live_files(
    implementation: Implementation,
    golden: Mapping[str, Path],
    vectors_of: Callable[[str], OperationVectors],
    dtypes: Collection[str],
    kinds: Sequence[str],
    given: Sequence[str],
) -> Iterator[ChosenFile]:
    """What stands for the live and large cases of each function that there is, or of those that are named."""
    from .live_cases import stand_ins  # a run without them must not pay for it

    nodes = [argument.partition("::") for argument in given]
    for op in sorted({op for op, _ in implementation.functions}.intersection(golden)):
        names = [name for node, _, name in nodes if node == live_nodeid(op)]
        if names or not given:
            vectors = vectors_of(op)
            standing = stand_ins(vectors, implementation, dtypes, kinds or ["live"], [name for name in names if name])
            yield ChosenFile(live_nodeid(op), golden[op], replace(vectors, families=standing), standing, vectors)


def _names_families(option: argparse.Namespace, operations: Iterable[str]) -> bool:
    """Whether an option speaks of single families or asks for a record of each, so that all files are to be read.

    A mark expression without any mark of ours, such as `-m "not slow"` among a project's addopts, speaks of none.
    """
    ours = {*operations, *DTYPES, *DIRECTIONS, *LEVELS, *FLAGS}
    marks = ours.intersection(re.findall(r"[\w-]+", option.markexpr or ""))
    by_name = (option.impl_ops, option.impl_xfails, option.keyword, marks, option.deselect)
    return any((*by_name, option.impl_report))


def _absent(
    implementation: Implementation, golden: Iterable[str], dtypes: Collection[str]
) -> dict[str, tuple[FamilyCount, ...]]:
    counts = golden_counts()
    implemented = {op for op, _ in implementation.functions}
    return {op: tuple(count for count in counts[op] if count.dtype in dtypes) for op in golden if op not in implemented}


def _required(
    given: Sequence[str] | None,
    counts: Mapping[str, Sequence[FamilyCount]],
    chosen: Collection[str],
    implementation: Implementation,
    dtypes: Collection[str],
) -> dict[str, tuple[FamilyCount, ...]]:
    """What --impl-require asks for, at the dtypes that the implementation declares; "all" is what the run chooses.
    Raises UsageError."""
    if not given:
        return {}
    ops = known_words("--impl-require", given, {*counts, "all"})
    ops = (ops - {"all"}) | ({*chosen} if "all" in ops else set())
    asked = {*dtypes} & {*implementation.dtypes}
    return {op: tuple(count for count in counts[op] if count.dtype in asked) for op in sorted(ops)}


def _reruns_failures(config: pytest.Config) -> bool:
    """Whether --lf leaves out what has not failed: it leaves out nothing where nothing is known to have failed."""
    return getattr(config.option, "lf", False) and bool(config.cache.get("cache/lastfailed", {}))


def _implementation(config: pytest.Config, operations: Iterable[str]) -> Implementation:
    option, folder = config.option, config.invocation_params.dir
    if option.impl_timeout is not None and not SHORTEST <= option.impl_timeout <= LONGEST:
        bounds = f"give {SHORTEST:g} to {LONGEST:g} seconds"
        raise pytest.UsageError(f"--impl-timeout={option.impl_timeout:g}: {bounds}")
    try:
        options = parse_options(option.impl_options or ())
    except OptionError as error:
        raise pytest.UsageError(str(error)) from None
    is_command, isolate = option.impl_cmd is not None, bool(option.impl_isolate)
    spec, timeout = option.impl_cmd if is_command else option.impl, option.impl_timeout
    implementation = loaded(spec, operations, folder, options, is_command=is_command, isolate=isolate, timeout=timeout)
    if is_command or isolate:
        config.add_cleanup(partial(ended, implementation))  # also where no test is run: teardown belongs to those
    return implementation


def golden_counts() -> dict[str, tuple[FamilyCount, ...]]:
    """How many families each operation has by the manifest, in alphabetical order."""
    files = read_manifest(store.golden_folder()).files
    return {op: files[f"{op}.h5"].counts for op in store.golden_operations()}


def golden_files() -> dict[str, Path]:
    """The installed vector file of each operation. Raises VectorError without a usable manifest."""
    return {op: store.golden_folder() / f"{op}.h5" for op in store.golden_operations()}


def _read_own(selection: Selection) -> OperationVectors:
    """The vectors of a file of the user's own, held to what `backproof verify` asks. Raises UsageError."""
    vectors = store.read(selection.path)
    first, *others = problems(vectors) or [""]
    if first:
        more = f" (and {len(others)} more: backproof verify {selection.nodeid})" if others else ""
        raise pytest.UsageError(one_line(f"{selection.nodeid}: {first}{more}"))
    return vectors


def _is_golden(selection: Selection) -> bool:
    return selection.path.parent == store.golden_folder()


def all_vectors(files: Sequence[ChosenFile]) -> dict[str, OperationVectors]:
    """By node id the vectors of all golden files, read here if the plan has left them out, and of files given."""
    read = {file.nodeid: file.vectors for file in files}
    golden = {golden_nodeid(op): op for op in store.golden_operations()}
    return {nodeid: read[nodeid] if nodeid in read else store.read_golden(op) for nodeid, op in golden.items()} | read


def _known_families(files: Sequence[ChosenFile]) -> dict[str, str]:
    vectors = all_vectors(files).items()
    return {f"{nodeid}::{item_name(family)}": family.id for nodeid, v in vectors for family in v.families}


def _expected(config: pytest.Config) -> tuple[ExpectedFailure, ...]:
    name = config.option.impl_xfails
    here, below_root = config.invocation_params.dir / name, config.rootpath / name
    return xfails.read_xfails(below_root if below_root.exists() and not here.exists() else here, name)
