"""What a whole picture, a tile or an object shows: networks that tell classes, from their training to corrections."""
