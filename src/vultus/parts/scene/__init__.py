"""Parts of systems that know the room: cameras, depth and what one view says of another."""
