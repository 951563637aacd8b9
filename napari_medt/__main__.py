"""``python -m napari_medt`` is ``napari-medt``."""

from napari_medt.cli import main

if __name__ == "__main__":
    main()
