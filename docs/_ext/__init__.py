"""Functions that generate Markdown for the pages, and the Sphinx extension that inserts it."""
