"""The arithmetic that networks spend their time in, in several forms that agree."""
