"""How rows are read and written by everybody."""
