"""Med-Former (Chowdary & Yin, MICCAI 2024): attention in windows of two sizes at once, and stages that are fused."""
