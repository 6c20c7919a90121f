"""The simulated sale: who comes and how they behave, what was seen of them, what must hold, and how it is shown."""
