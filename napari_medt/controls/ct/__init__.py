"""Qt pieces for CT: which window is shown, and which one a network sees."""
