"""Labels: made from probabilities, measured, compared."""
