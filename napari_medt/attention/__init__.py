"""The widget Attention: maps, the pointer, comparisons."""
