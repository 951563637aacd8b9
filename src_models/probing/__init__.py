"""Where the output at one pixel looks."""
