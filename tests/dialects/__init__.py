"""The foreign formats: Amelia, eAgenda, SimpleSpa."""
