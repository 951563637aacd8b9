"""The widget Correct and learn."""
