//! Which of its addresses a repository is reached at.
//!
//! Only a path that names its repository without a scheme (`example.com/repo.git`) leaves a choice: https is tried before
//! ssh, as the go command does, by asking for the refs. What answered is remembered, so that the next question goes there.

use super::{Direct, first_address};
use crate::discovery::{Repository, RepositoryAddress};
use http_client::Trust;
use moka::sync::Cache;
use proxy_core::{
    module::ModulePath,
    upstream::{FetchContext, UpstreamError},
};
use std::time::Duration;

/// The addresses that answered.
#[derive(Debug)]
pub(super) struct Reached(Cache<String, RepositoryAddress>);

impl Default for Reached {
    fn default() -> Self {
        let lifetime = Duration::from_secs(10 * 60);
        Self(
            Cache::builder()
                .max_capacity(10_000)
                .time_to_live(lifetime)
                .build(),
        )
    }
}

impl Reached {
    /// The address to fetch from, which the guard lets pass.
    pub(super) async fn address(
        &self,
        direct: &Direct,
        path: &ModulePath,
        repository: &Repository,
        context: &FetchContext,
    ) -> Result<RepositoryAddress, UpstreamError> {
        let discovery = &direct.0.parts.discovery;
        if repository.addresses.len() < 2 {
            let address = first_address(repository)?;
            discovery.judge(repository, address).await?;
            return Ok(address.clone());
        }
        if let Some(address) = self
            .0
            .get(&repository.root)
            .filter(|known| repository.addresses.contains(known))
        {
            discovery.judge(repository, &address).await?;
            return Ok(address);
        }
        let mut failures = Vec::new();
        for address in &repository.addresses {
            let tried = match discovery.judge(repository, address).await {
                Ok(()) => {
                    let source = direct.source(path, repository, address)?;
                    direct.0.parts.git.reach(&source, context).await
                }
                refused => refused,
            };
            match tried {
                Ok(()) => {
                    self.0.insert(repository.root.clone(), address.clone());
                    return Ok(address.clone());
                }
                Err(failure) => failures.push(failure),
            }
        }
        Err(verdict(failures, repository))
    }
}

/// What it means that no address answered. The first, https, speaks for a public repository: that ssh does not let a
/// stranger in says nothing. Of a private one, trouble anywhere may be the reason.
fn verdict(failures: Vec<UpstreamError>, repository: &Repository) -> UpstreamError {
    let settled = |error: &UpstreamError| matches!(error, UpstreamError::NotFound { .. });
    let private = repository.trust == Trust::LearnedPrivate;
    let mut failures = failures.into_iter();
    let first = failures.next();
    let trouble = if private || !first.as_ref().is_some_and(settled) {
        failures.find(|failure| !settled(failure))
    } else {
        None
    };
    match (first, trouble) {
        (Some(first), _) if !settled(&first) => first,
        (_, Some(trouble)) => trouble,
        (Some(first), None) => first,
        (None, None) => {
            UpstreamError::not_found(format!("{}: its repository has no address", repository.root))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Vcs;

    fn repository(trust: Trust) -> Repository {
        Repository {
            vcs: Vcs::Git,
            root: "e.test/r.git".into(),
            subfolder: String::new(),
            addresses: Vec::new(),
            trust,
            insecure: false,
        }
    }

    #[test]
    fn https_speaks_for_a_public_repository_and_any_trouble_for_a_private_one() {
        let (absent, trouble) = (
            UpstreamError::not_found("absent"),
            UpstreamError::unavailable("trouble"),
        );
        let verdict = |failures: [&UpstreamError; 2], trust| {
            super::verdict(failures.map(Clone::clone).to_vec(), &repository(trust)).to_string()
        };
        assert_eq!(verdict([&absent, &trouble], Trust::Learned), "absent");
        assert_eq!(verdict([&absent, &trouble], Trust::LearnedPrivate), "trouble");
        for trust in [Trust::Learned, Trust::LearnedPrivate] {
            assert_eq!(verdict([&trouble, &absent], trust), "trouble");
            assert_eq!(verdict([&absent, &absent], trust), "absent");
        }
    }
}
