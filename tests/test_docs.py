"""The documents say what is so: their code runs, their commands print what is shown, their links lead somewhere."""

import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import documents
import pytest
from backproof.conformance import cli
from backproof.conformance.pages import markdown
from backproof.reference.faults import faults_of
from backproof.reference.generation import generate
from backproof.reference.model.operation import operation, operation_names
from backproof.reference.model.vocabulary import ANSWERS, FLAGS
from backproof.vectors import store
from backproof.vectors.dtypes import PRECISIONS_OF
from shares import one_in

sys.path.insert(0, str(documents.DOCS))

from _ext import catalogue, generated, included, options

PAGES = documents.pages()
BLOCKS = [
    pytest.param(page, block.text, id=f"{documents.name_of(page)}-{number}")
    for page in PAGES
    for number, block in enumerate(documents.blocks(page))
    if block.language == "python" and not block.mark
]
SHOWN = [
    pytest.param(page, shown, id=f"{documents.name_of(page)}-{shown.command}")
    for page in PAGES
    for shown in documents.shown(page)
]
FAULTS = documents.DOCS / "faults.md"
"""The page that takes all mutants of all operations, and is asked for by operation."""
GENERATED = [
    pytest.param(document, id=documents.name_of(document)) for document in generated.documents() if document != FAULTS
]
COMMANDS = [
    pytest.param(words, id=f"{documents.name_of(document)}-{words}")
    for document in documents.documents()
    for words in documents.command_lines(document)
]


def in_this_process(ops: Sequence[str], prepare: Callable[[], object]) -> dict[str, bytes]:
    """Generate files of few families each: that processes build all of them is `test_own_operations`' to show."""
    families = {op: [generate.build(*task) for task in generate.tasks([op])[:3]] for op in ops}
    return {f"{op}.h5": store.image_of(generate.vectors_of(op, some)) for op, some in families.items()}


@pytest.fixture
def printed(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path, str], str]:
    """What a command prints in a folder with the files that its page has the reader make."""
    for name in ("COLUMNS", "FORCE_COLOR", "PY_COLORS"):  # what the reader's terminal need not have
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(pytester.path)

    def run(page: Path, command: str) -> str:
        for name, text in documents.files(page).items():
            (pytester.path / name).write_text(text, encoding="utf-8")
        program, *arguments = shlex.split(command)
        if program == "pytest":
            return f"{pytester.runpytest_inprocess('-p', 'no:hypothesispytest', *arguments).stdout}\n"
        capsys.readouterr()
        monkeypatch.setattr(generate, "generate", in_this_process)
        cli.main(arguments)
        return capsys.readouterr().out

    return run


@pytest.fixture(scope="session")
def options_of_pytest(tmp_path_factory: pytest.TempPathFactory) -> str:
    return documents.run("pytest --help", tmp_path_factory.mktemp("help"))


# What the documents have in code


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_one_that_the_parsers_take(words: str, options_of_pytest: str) -> None:
    program, *arguments = shlex.split(words)
    if program == "backproof" and len(arguments) == 1:  # a command named without what it takes
        with pytest.raises(SystemExit, match=r"^0$"):
            cli.command_parser().parse_args([*arguments, "--help"])
    elif program == "backproof":
        assert callable(cli.command_parser().parse_args(arguments).run)
    else:
        named, rest = options.parser().parse_known_args(arguments)
        assert named.impl or named.impl_cmd
        for word in rest:
            if word.startswith("-"):
                assert re.search(rf"{re.escape(word.partition('=')[0])}\b", options_of_pytest), word


@pytest.mark.parametrize(("page", "text"), BLOCKS)
def test_python_without_a_name_runs_by_itself(page: Path, text: str, tmp_path: Path) -> None:
    try:
        exec(compile(text, documents.name_of(page), "exec"), {"__name__": "a block"})
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("backproof"):
            raise
        pytest.skip(f"needs {missing.name}")


def test_python_with_a_name_is_used_by_its_page() -> None:
    for page in PAGES:
        commands, files = "\n".join(documents.command_lines(page)), documents.files(page)
        for name, text in files.items():
            if name.endswith(".py"):
                compile(text, f"{page}: {name}", "exec")
            module = re.escape(name.removesuffix(".py"))
            imported = any(re.search(rf"^(from|import) {module}\b", other, re.MULTILINE) for other in files.values())
            assert imported or re.search(rf"\b{module}\b", commands), (documents.name_of(page), name)


@pytest.mark.parametrize(("page", "shown"), SHOWN)
def test_a_command_prints_what_is_shown(
    page: Path, shown: documents.Shown, printed: Callable[[Path, str], str]
) -> None:
    found = printed(page, shown.command)
    assert documents.matches(shown.output, found), found


def test_what_is_shown_has_to_be_whole() -> None:
    assert documents.matches("...\nb\nc ...\n", "a\na\nb\nc 1.5 s\n")
    assert documents.matches("a\n...\n", "a\n")
    assert not documents.matches("b\n", "a\nb\n")
    assert not documents.matches("a\n...\nc\n", "a\nb\n")
    assert not documents.matches("a.b\n", "axb\n")


def test_every_link_within_the_repository_leads_somewhere() -> None:
    links = {(documents.name_of(one), target) for one in documents.documents() for target in documents.local_links(one)}
    assert [(name, target) for name, target in sorted(links) if not target.exists()] == []


# What is generated


def test_every_operation_has_a_page_and_no_other_has() -> None:
    marked = {page.stem for page in PAGES if "<!-- generated: operation -->" in page.read_text(encoding="utf-8")}
    assert marked == {page.stem for page in PAGES if page.parent.name == "operations" and page.stem != "index"}
    assert marked == set(operation_names())


@pytest.mark.parametrize("op", operation_names())
def test_an_operation_s_page_has_its_formula_arguments_conventions_flags_and_precisions(op: str) -> None:
    text = (documents.DOCS / "operations" / f"{op}.md").read_text(encoding="utf-8")
    described, vectors = operation(op), store.read_golden(op)
    families = tuple(vectors.families)
    formula = text.partition("```text\n")[2].partition("```")[0]
    for direction, results in described.results.items():
        assert f"{op}_{direction}({', '.join(described.arguments[direction])}" in text
        for result in results:
            assert re.search(rf"^{result}\b.* = ", formula, re.MULTILINE), f"no formula of {result}"
    for flag in {flag for family in families for flag in family.flags}:
        assert f"| [`{flag}`](../flags.md#{flag}) | {FLAGS[flag].kind}: " in text
        assert FLAGS[flag].link in text
    for answer in ANSWERS:
        met = any(family.point == answer.point for family in families)
        assert (f"| `{answer.key}` | " in text) == met
    for dtype, precision in ((dtype, name) for dtype, names in PRECISIONS_OF.items() for name in names):
        assert f"| {dtype} | `{precision}` | " in text
    assert f"{len(families)} families of {sum(family.count for family in families)} cases" in text


@pytest.fixture(scope="module")
def catalogued() -> tuple[list[str], dict[str, str]]:
    """The lines of the catalogue's table of sizes, and its sections by operation."""
    (part,) = generated.PART.finditer(FAULTS.read_text(encoding="utf-8"))
    body = part[0].removeprefix(part[1]).removesuffix(part[3]).strip() + "\n"
    sizes, *sections = body.split("\n\n## ")
    return sizes.splitlines(), {section.partition("\n")[0]: f"## {section}" for section in sections}


@pytest.mark.parametrize("op", one_in(3, operation_names()))
def test_the_catalogue_has_an_operation_s_faults_and_those_that_were_seen_with_where(
    op: str, catalogued: tuple[list[str], dict[str, str]]
) -> None:
    sizes, sections = catalogued
    assert markdown.table(catalogue.HEADS, [catalogue.sizes(op)]).splitlines()[-1] in sizes
    assert sections[op] == catalogue.seen(op)
    for fault in faults_of(op):
        assert f"| `{fault.name}` | {markdown.safe(fault.wrong)} Seen: {markdown.linked(fault.seen)}. |" in sections[op]


def test_the_catalogue_has_nothing_else(catalogued: tuple[list[str], dict[str, str]]) -> None:
    sizes, sections = catalogued
    assert tuple(sections) == operation_names()
    assert sizes[:2] == markdown.table(catalogue.HEADS, []).splitlines()
    assert [row.split("`")[1] for row in sizes[2:]] == list(operation_names())


def test_every_flag_and_every_answer_is_on_its_page() -> None:
    flags, answers = ((documents.DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("flags", "conventions"))
    for flag in FLAGS.values():
        assert f"## {flag.name}\n\n*{flag.kind}.* {markdown.safe(flag.effect)}. [Source]({flag.link})." in flags
    for answer in ANSWERS:
        of_point = answers.partition(f"## {answer.point}\n")[2].partition("\n## ")[0]
        canonical = " (canonical)" if answer.canonical else ""
        assert f"- `{answer.answer}`: {markdown.safe(answer.meaning)}{canonical}" in of_point


@pytest.mark.parametrize("document", GENERATED)
def test_what_is_generated_is_up_to_date(document: Path) -> None:
    """Where it is not: `cd docs && python -m _ext` writes it."""
    assert document.exists()
    assert document.read_text(encoding="utf-8") == generated.current(document)


def test_nothing_says_that_backproof_can_be_had_by_its_name_alone() -> None:
    """It is on no index: from a folder or an address, with or without extras, it can be installed."""
    sources = [
        path for folder in ("conformance", "reference", "vectors") for path in (documents.ROOT / folder).rglob("*")
    ]
    texts = [path for path in sources if path.suffix in (".py", ".txt", ".md", ".html")] + documents.documents()
    alone = re.compile(r"""pip install [^`\n]*(?<![/@\w])backproof(\[[a-z,]*\])?['"]?(?! @ git)(?=[\s'"`]|$)""")
    assert [path for path in texts if alone.search(path.read_text(encoding="utf-8"))] == []
    assert alone.search("pip install 'backproof[report]'")
    assert alone.search("pip install --upgrade backproof\n")


def test_no_link_is_without_words() -> None:
    """A renderer other than Sphinx shows nothing of it."""
    assert [
        documents.name_of(page) for page in documents.documents() if "[](" in page.read_text(encoding="utf-8")
    ] == []


def test_issues_and_addresses_become_links_and_the_rest_stays_as_it_is() -> None:
    assert (
        markdown.linked("owner/a-repo#12, by p_i")
        == r"[owner/a-repo\#12](https://github.com/owner/a-repo/issues/12), by p\_i"
    )
    assert markdown.linked("see https://example.org/a_b; 2 < 3") == r"see <https://example.org/a_b>; 2 \< 3"


def test_a_document_s_links_become_links_between_pages() -> None:
    text = included.text_of("conformance/remote/PROTOCOL.md", "protocol")
    assert "](schema.md#precisions-and-aliases)" in text
    assert "](../conformance/remote/protocol.schema.json)" in text


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(included, "ROOT", tmp_path)
    (tmp_path / "A.md").write_text("[there](b.md)")
    with pytest.raises(FileNotFoundError, match=r"A\.md links to b\.md, which is not there"):
        included.text_of("A.md", "a")


def test_the_options_are_those_of_the_plugin(options_of_pytest: str) -> None:
    declared = {word for action in options.parser()._actions for word in action.option_strings}
    assert declared == set(re.findall(r"--impl[a-z-]*(?=[= \n])", options_of_pytest))
