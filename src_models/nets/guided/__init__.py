"""Multi-scale self-guided attention (Sinha & Dolz 2020), part by part."""
