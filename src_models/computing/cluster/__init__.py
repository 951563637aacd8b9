"""Work divided among processes: of this machine, of a cluster that runs, or as jobs of a batch system."""
