"""The pytest plugin: its options; `session.run` does the rest where an implementation is named."""

import argparse
from collections.abc import Generator

import pytest

SETTINGS = {
    "impl_ops": "--impl-op",
    "impl_own": "--impl-ops",
    "impl_dtypes": "--impl-dtype",
    "impl_isolate": "--impl-isolate",
    "impl_live": "--impl-live",
    "impl_options": "--impl-option",
    "impl_report": "--impl-report",
    "impl_require": "--impl-require",
    "impl_seed": "--impl-seed",
    "impl_size": "--impl-size",
    "impl_strict": "--impl-strict",
    "impl_timeout": "--impl-timeout",
    "impl_xfails": "--impl-xfails",
}
"""Options that mean nothing without an implementation, by their attribute."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add = parser.getgroup("backproof", "conformance of backpropagation (backproof)").addoption
    add(
        "--impl",
        metavar="MODULE[:OBJECT]",
        help="hold this implementation against the golden vectors: all of them, and none of your own tests, "
        "unless paths or node ids are given",
    )
    add(
        "--impl-cmd",
        metavar="COMMAND",
        help="the same for an implementation in any language: a program that answers on its standard output what is "
        "asked on its standard input (conformance/remote/PROTOCOL.md)",
    )
    add("--impl-op", action="append", dest="impl_ops", metavar="OP", help="this operation alone (repeatable)")
    add("--impl-dtype", action="append", dest="impl_dtypes", metavar="DTYPE", help="this dtype alone (repeatable)")
    add(
        "--impl-isolate",
        action="store_true",
        help="run the implementation of --impl in a process of its own, which is given arguments and no answers",
    )
    add(
        "--impl-live",
        nargs="?",
        const=60.0,
        type=float,
        metavar="SECONDS",
        help="also draw cases of other sizes and values, for so many seconds (60) in all; -m live: those alone",
    )
    add(
        "--impl-option",
        action="append",
        dest="impl_options",
        metavar="KEY=VALUE",
        help="an option of the implementation's own, for setup() of its adapter (repeatable)",
    )
    add(
        "--impl-ops",
        action="append",
        dest="impl_own",
        metavar="MODULE",
        help="operations of your own beside backproof's: a module with forward and backward in plain NumPy, or a "
        "package of such (repeatable)",
    )
    add("--impl-report", metavar="PATH.json", help="write what came of the run; `backproof report` makes a page of it")
    add(
        "--impl-require",
        action="append",
        metavar="OP|all",
        help="fail unless every function of this operation, or of all that are chosen, has a family that passed, at "
        "every dtype that is declared (repeatable)",
    )
    add(
        "--impl-seed",
        metavar="N|random",
        help="draw the order of families, and with --impl-live or --impl-size the cases, from this number, which is "
        "printed",
    )
    add(
        "--impl-size",
        choices=("large",),
        help="also try a few cases of each function that fill a GPU; -m large: those alone",
    )
    add("--impl-strict", action="store_true", help="let robust misses fail")
    add(
        "--impl-timeout",
        type=float,
        metavar="SECONDS",
        help="what a call may take, 0.001 to 86400 (--impl-cmd: 60 by default)",
    )
    add("--impl-xfails", metavar="FILE", help="families expected to fail: lines of a glob of ids, # and the reason")


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before output is captured
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """With --impl, let a parent process wait for this one and answer for its exit status."""
    if _adapter(early_config.known_args_namespace):
        from .session import supervisor  # of the standard library alone

        supervisor.supervise(early_config.known_args_namespace.impl)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int, int]:
    """With --impl, note the status that the run ends with."""
    if not _adapter(config.option):
        return (yield)
    from .session import supervisor

    try:
        status = yield
    except pytest.UsageError:
        supervisor.ended(pytest.ExitCode.USAGE_ERROR)
        raise
    supervisor.ended(status)
    return status


def pytest_configure(config: pytest.Config) -> None:
    """Do nothing without --impl or --impl-cmd; with one, register the hooks of a run."""
    if config.option.impl is None and config.option.impl_cmd is None:
        for attribute, option in SETTINGS.items():
            if getattr(config.option, attribute) not in (None, False):
                raise pytest.UsageError(f"{option} is given, but no implementation: add --impl=MODULE")
        return
    if config.option.impl is not None and config.option.impl_cmd is not None:
        raise pytest.UsageError("--impl and --impl-cmd are both given; name one implementation")
    if config.option.impl_isolate and config.option.impl is None:
        raise pytest.UsageError("--impl-isolate is for --impl; what --impl-cmd names is a process of its own")
    from .session.run import Run  # numpy and h5py come with it: a run without --impl must not pay for them

    config.pluginmanager.register(Run(config), "backproof-run")


def _adapter(options: argparse.Namespace) -> bool:
    """Whether the implementation is an adapter, which runs in this process."""
    return options.impl is not None and options.impl_cmd is None and not options.impl_isolate
