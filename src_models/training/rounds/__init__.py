"""Rounds of learning from what a person gave: judged as they go, and ended at any moment with the best."""
