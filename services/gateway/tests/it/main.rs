//! The door from outside.
