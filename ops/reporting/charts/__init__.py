"""Charts as inline SVG: plain functions from numbers to markup, no script and no other file."""
