"""The order of the stages, from a source to its stems: what all tasks share, and one file a task."""
