//! The admin API over a store in memory.
