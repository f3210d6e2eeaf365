"""How admin writes dates and times in each of LANGUAGES; what is not named here is Django's."""
