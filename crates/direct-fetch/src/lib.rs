//! Version control as an upstream.

pub mod git;
