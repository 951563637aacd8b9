"""Scripts that make the figures of the README; each prints a table and writes JSON."""
