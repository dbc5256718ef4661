//! Where leases are kept: where the store would keep them, elsewhere by a word, or in Redis by its address.

use lease_redis::RedisUrl;

/// Where leases are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LeaseUrl {
    /// Where the store keeps its own.
    Auto,
    /// In the memory of this process: other nodes are not heeded.
    Memory,
    /// In the store's records, whatever else it could do.
    Records,
    /// In Redis.
    Redis(Box<RedisUrl>),
}

/// Reads the value. Errors do not repeat it: it may hold a password.
pub(crate) fn parse(text: &str) -> Result<LeaseUrl, String> {
    match text {
        "auto" => Ok(LeaseUrl::Auto),
        "memory" | "memory:" => Ok(LeaseUrl::Memory),
        "records" => Ok(LeaseUrl::Records),
        _ if !text.contains("://") => {
            Err("it is none of auto, memory and records, and no address such as redis://host:6379".into())
        }
        _ => RedisUrl::parse(text)
            .map(|url| LeaseUrl::Redis(Box::new(url)))
            .map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_are_kept_by_the_store_in_memory_or_in_redis() {
        assert_eq!(parse("auto"), Ok(LeaseUrl::Auto));
        assert_eq!(parse("memory"), Ok(LeaseUrl::Memory));
        assert_eq!(parse("records"), Ok(LeaseUrl::Records));
        for text in [
            "redis://localhost",
            "rediss://:p@host:6379/0",
            "redis+unix:///run/redis.sock",
            "redis+sentinel://a,b/master",
            "redis+cluster://a:7000,b:7001",
        ] {
            assert!(matches!(parse(text), Ok(LeaseUrl::Redis(_))), "{text}");
        }
        for text in [
            "",
            "etcd://x",
            "redis:",
            "localhost:6379",
            "redis://",
            "redis://:canary@",
        ] {
            let error = parse(text).expect_err(text);
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
