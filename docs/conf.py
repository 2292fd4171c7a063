"""Sphinx's settings. `tox -e docs` builds the site."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "backproof"
author = "The backproof authors"
copyright = "the backproof authors; MIT licence"
version = release = version_of("backproof")

extensions = ["myst_parser", "sphinx_argparse_cli", "_ext.generated"]
exclude_patterns = ["_ext", "_static"]
nitpicky = True
suppress_warnings = ["misc.highlighting_failure"]  # examples of JSON have `[...]` where something is left out
smartquotes = False  # "..." and quotes are often code here

myst_enable_extensions = ["attrs_block"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"backproof {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False

sphinx_argparse_cli_prefix_document = True
linkcheck_retries = 2
linkcheck_timeout = 20
