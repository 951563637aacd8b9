"""Commands that segment by clicks, and what they write."""
