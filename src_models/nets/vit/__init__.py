"""Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929), and what other transformers have of it."""
