"""What learns: labels that people submit, rounds of learning, which image comes next, strokes."""
