"""Objects followed through time: what was one object, where it went, and into which it divided."""
