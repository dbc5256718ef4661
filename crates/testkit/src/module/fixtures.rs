//! The modules in `modules/*.txtar`: a small world with what real ones have.
//!
//! `example.test/greet` uses `example.test/text`; both have several versions, one of them retracted, one a
//! pre-release. `example.test/greet/v2` is a next major, `example.test/Upper` needs escaping.

use super::Module;

/// Every module version of the small world.
pub fn fixtures() -> Vec<Module> {
    [
        include_str!("../../modules/greet-v1.0.0.txtar"),
        include_str!("../../modules/greet-v1.1.0.txtar"),
        include_str!("../../modules/greet-v1.2.0-rc.1.txtar"),
        include_str!("../../modules/greet-v2-v2.0.0.txtar"),
        include_str!("../../modules/text-v0.3.0.txtar"),
        include_str!("../../modules/text-v0.3.1.txtar"),
        include_str!("../../modules/upper-v1.0.0.txtar"),
        include_str!("../../modules/plain-v2.0.0+incompatible.txtar"),
    ]
    .into_iter()
    .map(Module::parse)
    .collect()
}
