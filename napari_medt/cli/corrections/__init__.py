"""Commands on corrections and learning from them."""
