"""What a record says of the implementation, the versions of what took part, and the machine."""

import os
import platform
from hashlib import sha256
from importlib.metadata import version

from ...vectors import store
from ...vectors.manifest import MANIFEST_NAME
from ..implementation.load import Implementation
from .contents import Machine, Tested, Versions


def tested(implementation: Implementation) -> Tested:
    """The implementation as the record has it."""
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
    """Versions of everything else that takes part."""
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
    """The machine that the run is on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Machine(system=platform.system(), processor=platform.machine(), cores=cores)
