//! The archive of a backup: reader and writer.
