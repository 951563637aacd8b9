"""What a model of classes is shown of an image: where objects lie, what is cut out, and how it is prepared."""
