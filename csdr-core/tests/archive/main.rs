//! The archive from outside: what is written can be read, and what was damaged is refused.

mod hostile;
mod properties;
mod reading;
mod tar_program;
mod velero;
mod world;
mod writing;
