"""Sets of pictures with a class each: folders of classes, archives of arrays, and boxes in images."""
