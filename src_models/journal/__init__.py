"""Labels that outlive the process that they were painted in."""
