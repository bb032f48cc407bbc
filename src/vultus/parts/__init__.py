"""Learned parts that several published systems have in common: a part exists when at least three of them name it."""
