"""Settings: one TOML file, typed, checked, each overridable by an option.

`schema` holds the tables and their defaults, `load` reads and checks, `edit` writes a file and
keeps what a person wrote in it, `paths` knows the folders. Called at start-up, from any thread.
"""
