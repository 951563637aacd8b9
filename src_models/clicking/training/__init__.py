"""Training and judging of models of clicks, with simulated persons."""
