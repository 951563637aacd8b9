"""Axial attention as a layer and a block: the parts that axial networks are made of, and what can be read of them."""
