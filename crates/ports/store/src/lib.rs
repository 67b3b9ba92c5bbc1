//! What must outlive a restart, sealed row by row.
