//! Answers, header by header.
