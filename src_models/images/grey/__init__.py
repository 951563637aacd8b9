"""Grey values of images: which of them count, and how they become what a network was trained on."""
