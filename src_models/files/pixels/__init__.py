"""What the stored numbers of a picture mean: colours, polarity, calibration, turning, and numbers of masks."""
