"""Operations as a user writes them, each a module's text, and the module that it is."""

import linecache
import sys
from types import ModuleType

HALF_SQUARE = '''"""Half of a square, times a factor."""

SHAPES = {"x": "(N, D)", "bias": "(D,)"}
PARAMETERS = {"factor": (0.5, 3.0)}


def forward(x, bias, *, factor):
    z = shifted(x, bias)
    return factor * z * z / 2


def backward(dL_dy, x, bias, *, factor):
    dL_dx = factor * shifted(x, bias) * dL_dy
    return dL_dx, dL_dx.sum(axis=0)


def shifted(x, bias):
    return x + bias
'''


def module_of(text: str, name: str) -> ModuleType:
    """The module of a text, which can be imported by its name and has a source."""
    module = ModuleType(name)
    module.__file__ = f"{name}.py"
    linecache.cache[module.__file__] = len(text), None, text.splitlines(keepends=True), module.__file__
    exec(compile(text, module.__file__, "exec"), vars(module))
    sys.modules[name] = module
    return module
