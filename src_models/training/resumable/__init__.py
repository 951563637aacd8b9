"""Trainings: their steps and validations, and the files from which they go on after whatever ended them."""
