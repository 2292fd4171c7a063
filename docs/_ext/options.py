"""The plugin's pytest options, in the parser that argparse has, to be read by what reads such parsers."""

import argparse
from collections.abc import Callable
from typing import Any, cast

import pytest
from backproof.conformance import plugin


class _Group:
    """What pytest's parser gives for a name, of which the plugin asks `addoption` alone."""

    def __init__(self, group: Any) -> None:
        self.addoption: Callable[..., Any] = group.add_argument


class _Parser:
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser

    def getgroup(self, name: str, description: str) -> _Group:
        return _Group(self.parser.add_argument_group(name, description))


def parser() -> argparse.ArgumentParser:
    """The options that the plugin declares, as it declares them."""
    made = argparse.ArgumentParser(prog="pytest", add_help=False)
    plugin.pytest_addoption(cast("pytest.Parser", _Parser(made)))
    return made
