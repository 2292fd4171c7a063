"""Draw live cases for hours, in several processes or on several machines: `backproof campaign`."""
