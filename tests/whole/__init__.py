"""The product as one: its layers, processes, settings, documents and promises."""
