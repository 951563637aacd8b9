"""The widget Click."""
