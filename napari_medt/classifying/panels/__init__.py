"""What is seen of the widget Classify."""
