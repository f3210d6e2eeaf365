"""How admin writes dates and times, by language; what is not named here is Django's."""
