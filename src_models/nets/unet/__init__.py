"""U-Nets, with attention gates and without, and their encoders."""
