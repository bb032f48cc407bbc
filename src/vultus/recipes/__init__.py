"""One file for each published system; the file's name is the recipe's. What it holds: docs/recipes.md."""
