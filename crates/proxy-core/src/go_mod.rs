//! `go.mod` files: the module line, the go line, retractions.
