"""Formats of ITK, which SimpleITK reads and writes: MetaImage."""
