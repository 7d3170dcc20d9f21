//! The engine on a store in memory.
