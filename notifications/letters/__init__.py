"""What every mail is made of, whatever it is about: form, language, text made fit (contract §1.4)."""
