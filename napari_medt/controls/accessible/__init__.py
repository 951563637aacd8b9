"""What lets people work without a mouse, or without seeing all."""
