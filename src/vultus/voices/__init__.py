"""Voices: speech made here, with the exact time of every phone."""
