//! Pseudo-versions.
