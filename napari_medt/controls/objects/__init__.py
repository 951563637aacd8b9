"""The table of objects that features share."""
