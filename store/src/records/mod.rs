//! The columns of every record, said once: name, type, write, read.
