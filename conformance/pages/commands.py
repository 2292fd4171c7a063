"""The commands `report`, `compare` and `badge`."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ...vectors.files import one_line
from ..implementation.errors import CommandError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: "Commands") -> None:
    """Declare the commands."""
    report = commands.add_parser("report", help="make a page of a run that pytest --impl-report=RUN.json wrote")
    report.add_argument("record", type=Path, metavar="RUN.json", help="the record of the run")
    report.add_argument("-o", "--output", type=Path, metavar="PAGE.html", help="the page to write; else RUN.html")
    report.set_defaults(run=_report)

    compare = commands.add_parser("compare", help="set runs side by side, or the run before and the run now")
    compare.add_argument("records", nargs="+", type=Path, metavar="RUN.json", help="their records, the oldest first")
    compare.add_argument("-o", "--output", type=Path, metavar="PAGE.html", help="write a page as well")
    compare.add_argument(
        "--fail-on-worse",
        action="store_true",
        help="of two runs, exit with 1 if anything got worse in the second: it fails, or passed and does not, or ran "
        "and does not",
    )
    compare.set_defaults(run=_compare)

    badge = commands.add_parser("badge", help="draw a badge of a run, and write what badge services read")
    badge.add_argument("record", type=Path, metavar="RUN.json", help="the record of the run")
    picture = "the picture, with BADGE.json beside it; else RUN.svg"
    badge.add_argument("-o", "--output", type=Path, metavar="BADGE.svg", help=picture)
    badge.set_defaults(run=_badge)


def _report(options: argparse.Namespace) -> int:
    from ..record.reader import read_record
    from .page import run_page  # other commands must not pay for these
    from .render import write_page

    record = read_record(options.record)
    output = options.output or options.record.with_suffix(".html")
    _distinct(output, options.record)
    write_page(output, run_page(record))
    print(one_line(str(output)))
    return 0


def _compare(options: argparse.Namespace) -> int:
    from ..record.reader import read_record
    from . import sidebyside
    from .changes import Trend, changes, closer, same_implementation
    from .comparison import comparison_page
    from .render import write_page

    if len(options.records) < 2:
        raise CommandError(f"{options.records[0]}: is one run; name at least two to compare")
    if options.fail_on_worse and len(options.records) != 2:
        raise CommandError(
            f"--fail-on-worse takes two runs, the one before and the one now, not {len(options.records)}"
        )

    for path in options.records if options.output else ():
        _distinct(options.output, path)
    records = [read_record(path) for path in options.records]
    then_and_now = len(records) == 2 and (options.fail_on_worse or same_implementation(*records))
    changed = list(changes(*records)) if then_and_now else []
    nearer = list(closer(*records)) if then_and_now else []
    if options.output:
        write_page(options.output, comparison_page(records, changed if then_and_now else None, nearer))
    progress = sidebyside.progress(changed, nearer) if then_and_now else ()
    for line in (*sidebyside.table(records), *sidebyside.conventions(records), *progress):
        print(one_line(line))
    if options.output:
        print(f"\n{one_line(str(options.output))}")
    return int(options.fail_on_worse and any(change.trend is Trend.WORSE for change in changed))


def _badge(options: argparse.Namespace) -> int:
    from ..record.reader import read_record
    from .badge import endpoint, svg
    from .render import write_page

    record = read_record(options.record)
    picture = options.output or options.record.with_suffix(".svg")
    if not picture.name:
        raise CommandError(f"{picture}: is no regular file; name a file to write")
    data = picture.with_suffix(".badge.json" if options.output is None else ".json")
    _distinct(picture, data, options.record)
    write_page(picture, svg(record))
    write_page(data, endpoint(record))
    print(one_line(str(picture)))
    print(one_line(str(data)))
    return 0


def _distinct(*paths: Path) -> None:
    """Raise CommandError where two of these files are the same: an output must not replace an input."""
    for position, path in enumerate(paths):
        if os.path.realpath(path) in map(os.path.realpath, paths[:position]):
            raise CommandError(f"{path}: would be written over; give what is written another name: -o NAME")
