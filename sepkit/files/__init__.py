"""What any room needs of the disk: names of files, JSON lines, files that appear whole or not at all, locks."""
