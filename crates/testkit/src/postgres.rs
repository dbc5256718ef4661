//! Postgres for tests: the servers that `cargo xtask services up` started, and clusters of a test's own.

use std::{env, path::PathBuf};

/// The shared servers, and a schema that no other test uses.
///
/// The variables are those that `cargo xtask services up` prints; a test that finds them missing is skipped.
#[derive(Clone, Debug)]
pub struct Servers {
    /// The server itself, as a URL without parameters.
    pub direct: String,
    /// The same behind pgbouncer in transaction mode.
    pub pooled: String,
    /// The certificate of the authority that issued the server's.
    pub authority: PathBuf,
}

impl Servers {
    /// Finds the servers, or says what is missing.
    #[expect(
        clippy::disallowed_methods,
        reason = "where servers are is no setting of the program, and tests have no configuration"
    )]
    pub fn find() -> Result<Self, String> {
        let find = |name: &str| {
            env::var(name)
                .map_err(|_| format!("{name} is not set: `cargo xtask services up` starts the servers"))
        };
        Ok(Self {
            direct: find("STOA_TEST_POSTGRES")?,
            pooled: find("STOA_TEST_PGBOUNCER")?,
            authority: find("STOA_TEST_POSTGRES_AUTHORITY")?.into(),
        })
    }
}

/// A word that no other test uses, for a schema of one's own.
pub fn fresh_word() -> String {
    use std::{
        process,
        sync::atomic::{AtomicU32, Ordering},
        time::{SystemTime, UNIX_EPOCH},
    };
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{time}_{}_{count}", process::id())
}
