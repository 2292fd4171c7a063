"""Adapters that misbehave, and what a run has to say of each: one clear line, and a status that is not 0.

The adapter is small_vectors' own, with text before, after or in `double_backward` of float32.
"""

from dataclasses import dataclass

import small_vectors

FAMILY = "vectors/double.h5::float32/backward-plain"
"""Where a call of the table comes to no good."""


@dataclass(frozen=True)
class Misbehaviour:
    """An adapter, and how a run with it ends."""

    name: str
    line: str
    """What the output has, as fnmatch takes it."""
    call: str = "pass"
    """A statement of `double_backward` at float32."""
    result: str = "2 * dL_doutputs"
    """What that returns."""
    before: str = ""
    after: str = ""
    ends: bool = False
    """Whether it ends the process."""
    one_fails: bool = True
    """Whether FAMILY fails, and all else passes."""
    line_of_worker: str = ""
    """What is said instead where it ends a worker of pytest-xdist."""

    isolated: str = ""
    """What is said instead where it runs in a process of its own."""
    harmless_apart: bool = False
    """Whether it does no harm there: what it returns is right."""

    @property
    def line_apart(self) -> str:
        """What is said where it runs in a process of its own."""
        in_call = self.ends and self.call != "pass"
        return self.isolated or ("case 0: the process *ended *" if in_call else self.line)

    @property
    def line_of_a_worker(self) -> str:
        """What is said where it ends a worker of pytest-xdist."""
        in_call = self.ends and self.call != "pass"
        return self.line_of_worker or ("case 0: the interpreter ended in the call" if in_call else self.line)

    @property
    def adapter(self) -> str:
        """The text of the module."""
        return f"""
import atexit, builtins, ctypes, os, signal, sys, threading
{self.before}
{small_vectors.ADAPTER}
def double_backward(dL_doutputs, inputs):
    if inputs.dtype == "float32":
        {self.call}
        return {self.result}
    return 2 * dL_doutputs
{self.after}
"""


def _class(name: str, base: str, body: str) -> str:
    return f"class {name}({base}):\n    {body}\n"


def _raising(name: str, text: str) -> str:
    return _class(name, "Exception", f"def __str__(self): {text}")


def _returning(name: str, line: str, body: str, *, base: str = "") -> Misbehaviour:
    """An adapter that returns an object of a class of its own."""
    return Misbehaviour(name, line, result="Odd()", before=_class("Odd", base, body))


def _replacing(what: str, *, isolated: str = "", call: str = "pass", after: str = "") -> Misbehaviour:
    """An adapter that is right, and replaces what verdicts are made with; elsewhere that makes no difference."""
    line, where = f"*the implementation replaced {what} *", "at import" if after else "in a call"
    return Misbehaviour(
        f"{what} replaced {where}",
        line,
        call,
        after=after,
        one_fails=False,
        isolated=isolated,
        harmless_apart=not isolated,
    )


VALUES = "backproof.conformance.check.values"
VERDICT = "from backproof.conformance.check.verdict import Verdict"
RAISED = "case 0 raised *"
ENDED = "backproof: --impl=adapter: the process ended with status 0 in vectors/double.h5::float32/backward-plain*"

MISBEHAVIOURS = (
    # The end of the process
    Misbehaviour("os._exit in a call", ENDED, "os._exit(0)", ends=True),
    Misbehaviour("exit of C in a call", ENDED, "ctypes.CDLL(None).exit(0)", ends=True),
    Misbehaviour("another program in its place", ENDED, "os.execv('/bin/true', ['true'])", ends=True),
    Misbehaviour("abort in a call", "backproof: --impl=adapter: *ended by SIGABRT in *", "os.abort()", ends=True),
    Misbehaviour(
        "killed in a call", "backproof: --impl=adapter: *ended by SIGKILL in *", "os.kill(os.getpid(), 9)", ends=True
    ),
    Misbehaviour(
        "os._exit at import",
        "*ended with status 0 where the implementation is loaded*",
        isolated="*the process ended with status 0*",
        one_fails=False,
        before="os._exit(0)",
        ends=True,
    ),
    *(
        Misbehaviour(
            f"os._exit in {hook}",
            f"*ended with status 0 in {hook}()*",
            after=f"def {hook}(): os._exit(0)",
            ends=True,
            line_of_worker=worker,
            isolated="*the process ended with status 0*",
            harmless_apart=hook == "teardown",  # the verdict is complete
            one_fails=False,
        )
        for hook, worker in (
            ("setup", "*ended with status 0 while failures are diagnosed*"),
            ("teardown", "*workers end outside of calls*"),
        )
    ),
    Misbehaviour(
        "os._exit at exit",
        "dL_dinputs is wrong *",
        result="3 * dL_doutputs",
        before="atexit.register(os._exit, 0)",
        ends=True,
    ),
    Misbehaviour(
        "os._exit in another thread",
        ENDED,
        "threading.Thread(target=os._exit, args=(0,)).start(); import time; time.sleep(5)",
        ends=True,
    ),
    # Exceptions that are no Exception
    *(
        Misbehaviour(f"{error} in a call", f"{RAISED}{error}*", f"raise {error}(0)")
        for error in ("SystemExit", "KeyboardInterrupt", "BaseException", "GeneratorExit")
    ),
    *(
        Misbehaviour(
            f"{error} in {hook}",
            f"*adapter: {hook}() raised {error}*",
            after=f"def {hook}(): raise {error}(0)",
            one_fails=False,
        )
        for error in ("SystemExit", "KeyboardInterrupt", "BaseException")
        for hook in ("setup", "teardown")
    ),
    *(
        Misbehaviour(
            f"{error} at import",
            f"*adapter: importing adapter raised {error}*",
            before=f"raise {error}(0)",
            one_fails=False,
        )
        for error in ("SystemExit", "KeyboardInterrupt", "BaseException")
    ),
    # Exceptions that do not let themselves be told
    Misbehaviour(
        "an exception whose text raises",
        f"{RAISED}Odd: its text cannot be read: ValueError",
        "raise Odd",
        before=_raising("Odd", "raise ValueError"),
    ),
    Misbehaviour(
        "an exception whose text exits",
        f"{RAISED}Odd: its text cannot be read: SystemExit",
        "raise Odd",
        before=_raising("Odd", "sys.exit(0)"),
    ),
    Misbehaviour(
        "an exception whose text is no text",
        f"{RAISED}Odd: its text cannot be read: TypeError",
        "raise Odd",
        before=_raising("Odd", "return 3"),
    ),
    Misbehaviour("an exception of a megabyte", f"{RAISED}ValueError: aaaa*", "raise ValueError('a' * 2**20)"),
    Misbehaviour("an exception of many lines", f"{RAISED}ValueError: a", "raise ValueError('a\\n' * 2**20)"),
    Misbehaviour("a surrogate in an exception", f"{RAISED}ValueError: *ud800*", "raise ValueError(chr(0xd800))"),
    Misbehaviour(
        "a terminal's escape in an exception", f"{RAISED}ValueError: *x1b*2J", "raise ValueError(chr(27) + '[2J')"
    ),
    Misbehaviour(
        "an exception without its traceback",
        f"{RAISED}Odd*",
        "raise Odd",
        before=_class("Odd", "Exception", "__traceback__ = property(lambda self: 1 / 0)"),
    ),
    Misbehaviour("an exception of many frames", f"{RAISED}RecursionError*", "deep()", before="def deep(): deep()"),
    Misbehaviour(
        "an exception whose class lies",
        "*ZeroDivisionError*",
        "raise Odd",
        before=_class("Odd", "Exception", "__class__ = property(lambda self: 1 / 0)"),
    ),
    Misbehaviour(
        "an exception at import whose text raises",
        "*importing adapter raised Odd: its text cannot be read: ValueError*",
        before=_raising("Odd", "raise ValueError") + "raise Odd",
        one_fails=False,
    ),
    Misbehaviour(
        "a surrogate in an exception at import",
        "*importing adapter raised ValueError: *ud800*",
        before="raise ValueError(chr(0xd800))",
        one_fails=False,
    ),
    # Modules and objects that do not let themselves be read
    Misbehaviour(
        "a module whose __dir__ raises",
        "dL_dinputs is wrong *",
        result="3 * dL_doutputs",
        after="def __dir__(): raise ValueError('no')",
    ),
    Misbehaviour(
        "a module whose __getattr__ raises",
        "*adapter: reading its attributes raised ValueError: no*",
        after="def __getattr__(name): raise ValueError('no')",
        one_fails=False,
    ),
    Misbehaviour(
        "a module whose __getattr__ exits",
        "*adapter: reading its attributes raised SystemExit*",
        after="def __getattr__(name): sys.exit(0)",
        one_fails=False,
    ),
    Misbehaviour(
        "a function whose attributes raise",
        "dL_dinputs is wrong *",
        after=_class(
            "Odd", "", "def __call__(self, g, x): return 3 * g\n    def __getattr__(self, name): raise ValueError(name)"
        )
        + "double_backward = Odd()",
        one_fails=False,
    ),
    _returning(
        "a result whose attributes raise",
        f"{RAISED}ValueError: no",
        "def __getattr__(self, name): raise ValueError('no')",
    ),
    _returning("a result whose class lies", "*ZeroDivisionError*", "__class__ = property(lambda self: 1 / 0)"),
    _returning("a tuple without a length", "*ZeroDivisionError*", "__len__ = lambda self: 1 / 0", base="tuple"),
    Misbehaviour(
        "an array whose shape lies",
        "dL_dinputs is wrong *",
        result="(3 * dL_doutputs).view(Odd)",
        after=_class("Odd", "np.ndarray", "shape = property(lambda self: 1 / 0)"),
    ),
    Misbehaviour(
        "declarations that raise",
        "*adapter: reading its attributes raised ZeroDivisionError*",
        after=_class("Odd", "", "__repr__ = lambda self: 1 / 0") + "dtypes = Odd()",
        one_fails=False,
    ),
    Misbehaviour("a name of a megabyte", "dL_dinputs is wrong *", result="3 * dL_doutputs", after="name = 'a' * 2**20"),
    Misbehaviour(
        "a name that clears the terminal", "backproof: *x1b*", result="3 * dL_doutputs", after="name = chr(27) + '[2J'"
    ),
    # What everything rests on
    Misbehaviour(
        "the working folder is removed",
        "*removed the folder*",
        before="import shutil",
        call="shutil.rmtree(os.getcwd(), ignore_errors=True)",
    ),
    _replacing("numpy.abs", after="np.abs = np.zeros_like"),
    _replacing("numpy.abs", call="np.abs = np.zeros_like"),
    _replacing("numpy.count_nonzero", call="np.count_nonzero = np.size"),
    _replacing("numpy.empty", after="np.empty = None", isolated="case 0: the process ended with status 1*"),
    _replacing("builtins.len", call="builtins.len = lambda x: 0", isolated="case [0-3]: *"),
    _replacing(f"{VALUES}.compare", after=f"import {VALUES} as values; values.compare = None"),
    _replacing(f"{VALUES}.is_true", after=f"import {VALUES} as v; v.is_true.__code__ = (lambda truths: True).__code__"),
    _replacing("backproof.conformance.check.verdict.Verdict.by_gravity", after=f"{VERDICT}; Verdict.by_gravity = ()"),
)
