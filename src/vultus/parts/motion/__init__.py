"""Parts of systems that turn signals into motion."""
