"""A server of models, clicks and corrections, for 3D Slicer and whatever speaks its protocols; without a window."""
