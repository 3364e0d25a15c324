//! Empty until the kit compiles.
fn main() {}
