"""The steps after the members, as plain functions on arrays (channels, frames); they do not know each other."""
