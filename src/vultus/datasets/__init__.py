"""Sets of clips, one a file: those of the stage and real ones in their published layouts, all as ``Clip``."""
