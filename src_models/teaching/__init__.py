"""Any model learns from what a person mended or accepted: which way of learning belongs to it, and its rounds."""
