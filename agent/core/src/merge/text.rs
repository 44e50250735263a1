//! Line merge (written next).
