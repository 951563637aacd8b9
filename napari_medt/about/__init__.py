"""What the plugin is, and what it is not."""
