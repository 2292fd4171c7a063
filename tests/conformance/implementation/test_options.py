"""What --impl-option says, on its way from the command line to an adapter's setup."""

import pytest
import small_vectors
from backproof.conformance.implementation.options import OptionError, bound, option_arguments, parse_options

OPEN = (
    small_vectors.ADAPTER + "\nfrom pathlib import Path\ndef setup(**options): Path('log').write_text(repr(options))\n"
)
NARROW = small_vectors.ADAPTER + "\ndef setup(device='cpu', threads='1'): assert threads.isdigit(), 'no number'\n"


def narrow(b, c=""):
    return b, c


def test_values_stay_the_strings_they_are():
    given = ["device=cuda:0", "sizes=[1, 2]", "flag=true", "empty=", "equation=a=b"]
    assert parse_options(given) == {
        "device": "cuda:0",
        "sizes": "[1, 2]",
        "flag": "true",
        "empty": "",
        "equation": "a=b",
    }
    assert option_arguments(parse_options(given)) == [f"--impl-option={word}" for word in given]


def test_an_option_given_twice_alike_is_given_once():
    assert parse_options(["device=cpu", "device=cpu"]) == {"device": "cpu"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["device"], "--impl-option=device: write --impl-option KEY=VALUE"),
        (["=cuda"], "--impl-option==cuda: write --impl-option KEY=VALUE"),
        (["device=cpu", "device=cuda"], "--impl-option gives 'device' twice: 'cpu' and 'cuda'"),
    ],
)
def test_what_is_no_option_is_refused(given, said):
    with pytest.raises(OptionError) as error:
        parse_options(given)
    assert str(error.value) == said


def test_a_setup_gets_its_options_as_keywords():
    def setup(device="cpu", *, threads="1"):
        return device, threads

    assert bound(setup, {"threads": "2"})() == ("cpu", "2")
    assert bound(lambda **options: options, {"a-b": "1"})() == {"a-b": "1"}
    assert bound(setup, {})() == ("cpu", "1")


def test_without_a_setup_and_options_there_is_nothing_to_call():
    assert bound(None, {}) is None


@pytest.mark.parametrize(
    ("setup", "options", "said"),
    [
        (None, {"a": "1"}, "--impl-option=a=1: the adapter takes no options; it has no setup(**options)"),
        (lambda: None, {"a": "1"}, "--impl-option=a=1: no such option; setup takes none"),
        (narrow, {"a": "1", "b": "2"}, "--impl-option=a=1: no such option; setup takes b, c"),
        (narrow, {"c": "1"}, "setup needs --impl-option b=VALUE; setup takes b, c"),
    ],
)
def test_options_that_do_not_fit_the_setup_are_refused(setup, options, said):
    with pytest.raises(OptionError) as error:
        bound(setup, options)
    assert str(error.value) == said


def test_options_reach_the_setup_and_stand_in_the_header_and_in_what_to_rerun(project):
    project.makepyfile(opened=OPEN.replace("return 2 * inputs", "return 3 * inputs"))
    result = project.runpytest("--impl=opened", "--impl-option", "device=cuda", "--impl-option=name=my net")
    assert (project.path / "log").read_text() == "{'device': 'cuda', 'name': 'my net'}"
    result.stdout.fnmatch_lines(["backproof: with device=cuda", "backproof: with name=my net"])
    result.stdout.fnmatch_lines(["*pytest --impl=opened --impl-option=device=cuda '--impl-option=name=my net' *"])


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("devise=cuda", "ERROR: narrow: --impl-option=devise=cuda: no such option; setup takes device, threads"),
        ("device", "ERROR: --impl-option=device: write --impl-option KEY=VALUE"),
        ("threads=many", "ERROR: narrow: setup() raised AssertionError: no number*"),
    ],
)
def test_an_option_that_is_wrong_is_one_line(project, option, said):
    project.makepyfile(narrow=NARROW)
    result = project.runpytest("--impl=narrow", f"--impl-option={option}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert line.startswith(said.removesuffix("*"))
