"""Audits of networks that say what a whole picture shows: whether what they are said to go by is true."""
