"""The widget Measure."""
