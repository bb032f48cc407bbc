"""Ways to film a person, one a file, each with a function ``shoot`` (``stage.filming.Rig``); no list to keep."""
