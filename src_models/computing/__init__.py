"""Where and how networks run: device, precision, threads, memory."""
