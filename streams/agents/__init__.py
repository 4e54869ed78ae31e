"""One thin agent a module: decode, call pure steps, route."""
