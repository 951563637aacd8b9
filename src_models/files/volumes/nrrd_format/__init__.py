"""What is in an NRRD file: its header, where its voxels are, its values, and the segments of 3D Slicer in it."""
