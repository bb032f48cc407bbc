"""Files in and out: one format per module, read whole or as a stream, written atomically."""
