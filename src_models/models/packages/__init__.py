"""Packages of the BioImage Model Zoo as models: networks that are ONNX graphs, and what is read of a description."""
