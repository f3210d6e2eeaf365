"""German: short enough for a column of a list."""

DATE_FORMAT = "j. M Y"
DATETIME_FORMAT = "j. M Y, H:i"
TIME_FORMAT = "H:i"
