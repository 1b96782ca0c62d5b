"""What a run will take, before it begins: time and memory, from the speed of this machine."""
