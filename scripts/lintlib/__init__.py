"""The parts of scripts/lint. A complaint is one line: file, line, what is wrong."""
