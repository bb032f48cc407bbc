"""The procedural studio: performances, rigs and clips with exact truth."""
