"""Qt controls that several widgets share."""
