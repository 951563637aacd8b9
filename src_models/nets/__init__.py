"""The networks: plain ``nn.Module``s, one paper to a file, with no knowledge of files, images or training."""
