"""Parts of the widget Attention."""
