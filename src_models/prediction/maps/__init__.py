"""Attention maps that go into files."""
