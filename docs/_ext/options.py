"""The plugin's pytest options as an argparse parser, from which Sphinx documents them."""

import argparse
from collections.abc import Callable
from typing import Any, cast

import pytest
from backproof.conformance import plugin


class _Group:
    """The part of pytest's option group that the plugin uses."""

    def __init__(self, group: Any) -> None:
        self.addoption: Callable[..., Any] = group.add_argument


class _Parser:
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser

    def getgroup(self, name: str, description: str) -> _Group:
        return _Group(self.parser.add_argument_group(name, description))


def parser() -> argparse.ArgumentParser:
    """Return a parser of the options that the plugin declares."""
    made = argparse.ArgumentParser(prog="pytest", add_help=False)
    plugin.pytest_addoption(cast("pytest.Parser", _Parser(made)))
    return made
