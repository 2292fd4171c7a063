"""What the pages are generated from: functions that give Markdown, and a Sphinx extension that puts it in its place."""
