"""From a note to ranked candidate codes, each with the words that suggested it."""
