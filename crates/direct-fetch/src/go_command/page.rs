//! The page of a repository: whether there is anything at all where git is told 401.
//!
//! Some hosts answer the same to a stranger whether a repository is private or does not exist. Their page for people
//! says 404 then, and `go` itself takes that for the answer (cmd/go, `codehost/git.go`).

use http_client::{Client, Destination, Trust};
use proxy_core::{module::Patterns, upstream::FetchContext};

/// Asks for pages.
#[derive(Debug)]
pub(crate) struct Pages {
    client: Client,
    private: Patterns,
}

impl Pages {
    /// Asks by this client; which modules are private, in GOPRIVATE syntax, decides which addresses it may reach.
    pub(crate) fn new(client: Client, private: &str) -> Self {
        // A list that cannot be read names nothing private, so less may be reached.
        let private = Patterns::parse(private).unwrap_or_default();
        Self { client, private }
    }

    /// Whether the page of this repository was reached and says that there is none. Anything else settles nothing.
    pub(crate) async fn is_absent(&self, repository: &str, module: &str, context: &FetchContext) -> bool {
        let trust = if self.private.matches(module) {
            Trust::LearnedPrivate
        } else {
            Trust::Learned
        };
        let Ok(page) = Destination::learned(repository, trust) else {
            return false;
        };
        match self.client.send(page, context).await {
            Ok(answer) => matches!(answer.status().as_u16(), 404 | 410),
            Err(_) => false,
        }
    }
}
