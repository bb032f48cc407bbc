"""Judges: numbers that say how good a picture or a motion is."""
