"""How a network of clicks is asked about one plane, and what its answer means."""
