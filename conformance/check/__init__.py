"""Hold an implementation against one family of cases, and say what came of it."""
