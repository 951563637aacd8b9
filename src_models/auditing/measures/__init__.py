"""What tells whether attention maps are true: curves, pointing, influence, randomisation."""
