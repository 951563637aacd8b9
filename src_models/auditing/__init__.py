"""Is an attention map true? Four measures of it, and what they say in plain words."""
