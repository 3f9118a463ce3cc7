//! Sekisho: federation server and web application proxy.
fn main() {}
