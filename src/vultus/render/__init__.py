"""Kernels that draw triangles on the CPU, each with a slow plain reference beside it."""
