"""What labels mean, objects or classes, and how a network comes to learn another kind than it was made for."""
