"""How a slot is refused: busy times, the guard in the database, holds, availability (contract §1.3, §1.5)."""
