"""How well a model of classes does on pictures whose classes are known."""
