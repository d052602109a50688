"""Self-contained web pages of a run: they load nothing from anywhere, and treat every word of the data as text."""
