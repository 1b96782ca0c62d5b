"""Where the files of a batch are rendered: in this process, or in worker processes."""
