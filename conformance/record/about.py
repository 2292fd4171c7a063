"""What a record says of everything but the families: the implementation, the versions, the machine, the options."""

import os
import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import version

import pytest

from ...vectors import store
from ...vectors.manifest import MANIFEST_NAME
from ...vectors.records import OperationVectors
from ..implementation.load import Implementation
from ..session.plan import Plan
from .record import Asked, Machine, Planned, Tested, Versions


def tested(implementation: Implementation) -> Tested:
    """The implementation, as far as it can be written down."""
    return Tested(
        name=implementation.name,
        version=implementation.version,
        option=implementation.option,
        spec=implementation.spec,
        argument=implementation.argument,
        language=implementation.language,
        options=dict(implementation.options),
        functions=tuple(f"{op}_{direction}" for op, direction in implementation.functions),
        dtypes=implementation.dtypes,
        precision=dict(implementation.precision),
        conventions={
            name: declared if isinstance(declared, bool) else str(declared)
            for name, declared in implementation.conventions.items()
        },
        warnings=implementation.warnings,
    )


def versions(vectors_version: str) -> Versions:
    """What takes part besides the implementation."""
    return Versions(
        backproof=version("backproof"),
        vectors=vectors_version,
        manifest=sha256((store.golden_folder() / MANIFEST_NAME).read_bytes()).hexdigest(),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        numpy=version("numpy"),
        h5py=version("h5py"),
        pytest=version("pytest"),
    )


def machine() -> Machine:
    """What it runs on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(system=platform.system(), processor=platform.machine(), cores=cores)


def asked(config: pytest.Config, plan: Plan) -> Asked:
    """The options that say what is to run, and how."""
    option = config.option
    return Asked(
        strict=plan.strict,
        ops=tuple(option.impl_ops or ()),
        dtypes=tuple(option.impl_dtypes or ()),
        whole=plan.whole,
        keyword=option.keyword,
        markers=option.markexpr,
        timeout=option.impl_timeout,
        xfails=option.impl_xfails or "",
    )


def planned(plan: Plan) -> tuple[Planned, ...]:
    """How many families there are, and are to run, of each function at each dtype."""
    there = Counter(_cells(_all_vectors(plan)))
    wanted = Counter((f.op, f.dtype, f.direction) for file in plan.files for f in file.chosen)
    return tuple(Planned(*cell, families=count, asked=wanted[cell]) for cell, count in there.items())


def _cells(files: Iterable[OperationVectors]) -> Iterator[tuple[str, str, str]]:
    return ((family.op, family.dtype, family.direction) for vectors in files for family in vectors.families)


def _all_vectors(plan: Plan) -> Iterator[OperationVectors]:
    """The golden files, read anew where the plan has left them out, and the others that were given."""
    given = {file.path: file.vectors for file in plan.files}
    for op in store.golden_operations():
        vectors = given.pop(store.golden_folder() / f"{op}.h5", None)
        yield store.read_golden(op) if vectors is None else vectors
    yield from given.values()
