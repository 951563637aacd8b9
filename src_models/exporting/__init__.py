"""Models for other programs: ONNX, and packages as the BioImage Model Zoo has them."""
