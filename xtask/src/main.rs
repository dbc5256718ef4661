//! What we do to the tree.
fn main() {}
