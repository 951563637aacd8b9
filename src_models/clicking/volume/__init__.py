"""An object of a volume, by what a person gives in its axial, coronal and sagittal planes."""
