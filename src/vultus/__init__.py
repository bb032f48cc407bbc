"""Any signal, one motion, any face."""
