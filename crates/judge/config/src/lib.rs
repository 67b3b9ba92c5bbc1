//! doorward.toml to Config, every error with file, line, column and a way out.
