"""Where models come from and where they run: catalogue, weights, device, memory, networks that several rooms hear."""
