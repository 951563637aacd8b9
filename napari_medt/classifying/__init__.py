"""The widget Classify."""
