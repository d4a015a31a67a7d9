//! YAML to a checked site, every diagnostic with its place.
