"""The lab: measures what the rest of the library claims."""
