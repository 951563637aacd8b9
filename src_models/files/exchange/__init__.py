"""Labels in the forms of the programs around: outlines for ImageJ, QuPath and COCO, masks of Cellpose and ilastik."""
