"""Commands that hand results to other programs."""
