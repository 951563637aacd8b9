"""The images that are served, and the labels that people made of them."""
