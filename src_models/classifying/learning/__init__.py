"""A model of classes learns from classes that a person gave, without forgetting those it knew."""
