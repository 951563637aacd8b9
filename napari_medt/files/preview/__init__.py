"""A folder of several series: they are shown with a picture each, and those that a person chooses are opened."""
