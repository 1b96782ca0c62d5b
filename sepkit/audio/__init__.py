"""Sound as arrays (channels, frames) of float32: read, decode, write, spool, resample, transform, cut into windows."""
