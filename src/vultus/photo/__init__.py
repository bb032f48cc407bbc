"""A photo that moves: layers that sample the photo, and what has to be made up behind them."""
