"""Commands on models and their training."""
