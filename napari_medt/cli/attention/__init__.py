"""Commands on attention."""
