"""One large image by the workers of a cluster: what is settled once, and what is done block by block."""
