"""Learning from what was marked, and looking at what it did."""
