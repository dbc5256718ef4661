//! The service over a real mirror.
