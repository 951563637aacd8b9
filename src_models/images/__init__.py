"""What an image is to a network: axes, planes, channels, intensities."""
