"""Installing: the pins are complete, and hold on another day and under another Python."""
