//! A SQLite database as a file of the workspace.
