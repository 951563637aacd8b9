"""Model files, the architectures that they name, and the library of them."""
