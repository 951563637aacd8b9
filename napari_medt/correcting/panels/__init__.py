"""Parts of the widget Correct and learn."""
