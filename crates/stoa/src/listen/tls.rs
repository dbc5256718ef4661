//! TLS: the certificate and its key, read again when they change.

use crate::config::TlsFiles;
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at. A change is an event of months, and reading two small files costs nothing.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why certificate and key cannot be used: one sentence that names the setting.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file cannot be read.
    #[error("{key}: {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("{key}: {} holds no {expected} in PEM", .path.display())]
    Malformed {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// The two do not fit, or are of a kind we cannot use.
    #[error("tls.certificate and tls.key cannot be used together: {0}")]
    Pair(rustls::Error),
    /// TLS itself cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// The certificate and key in use.
pub(crate) struct Certificate {
    files: TlsFiles,
    /// What the files held at first.
    loaded: Pem,
    current: ArcSwap<CertifiedKey>,
}

/// What the two files hold.
#[derive(Clone, PartialEq, Eq)]
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    /// Reads both files.
    pub(crate) fn load(files: &TlsFiles) -> Result<Arc<Self>, TlsError> {
        let loaded = read(files)?;
        let current = pair(files, &loaded)?;
        Ok(Arc::new(Self {
            files: files.clone(),
            loaded,
            current: ArcSwap::from_pointee(current),
        }))
    }

    /// Speaks TLS with whatever certificate is in use when a client comes, and HTTP/2 to clients that can.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config).into())
    }

    /// Looks at the files now and then, and whenever `asked` says so; a pair that cannot be used changes nothing.
    pub(crate) async fn keep_fresh(self: Arc<Self>, mut asked: impl AsyncFnMut()) {
        let mut seen = Some(self.loaded.clone());
        loop {
            let on_request = tokio::select! {
                () = asked() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let found = self.look().await;
            if !on_request && found.as_ref().ok() == seen.as_ref() {
                continue;
            }
            seen = found.as_ref().ok().cloned();
            match found.and_then(|pem| pair(&self.files, &pem)) {
                Ok(pair) => {
                    self.current.store(Arc::new(pair));
                    tracing::info!("the TLS certificate was read again");
                }
                Err(error) => {
                    tracing::warn!(%error, "the TLS certificate in use stays: the new one cannot be used");
                }
            }
        }
    }

    async fn look(&self) -> Result<Pem, TlsError> {
        let files = self.files.clone();
        match tokio::task::spawn_blocking(move || read(&files)).await {
            Ok(found) => found,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(files: &TlsFiles) -> Result<Pem, TlsError> {
    let read = |key, path: &PathBuf| {
        std::fs::read(path).map_err(|source| TlsError::Unreadable {
            key,
            path: path.clone(),
            source,
        })
    };
    Ok(Pem {
        certificate: read("tls.certificate", &files.certificate)?,
        key: read("tls.key", &files.key)?,
    })
}

fn pair(files: &TlsFiles, pem: &Pem) -> Result<CertifiedKey, TlsError> {
    let malformed = |key, path: &PathBuf, expected| TlsError::Malformed {
        key,
        path: path.clone(),
        expected,
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem.certificate)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| malformed("tls.certificate", &files.certificate, "certificate"))?;
    let key = PrivateKeyDer::from_pem_slice(&pem.key)
        .map_err(|_| malformed("tls.key", &files.key, "private key"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(TlsError::Pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(certificate: &str, key: &str) -> (tempfile::TempDir, TlsFiles) {
        let folder = tempfile::tempdir().expect("a folder");
        let files = TlsFiles {
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
        };
        std::fs::write(&files.certificate, certificate).expect("a file");
        std::fs::write(&files.key, key).expect("a file");
        (folder, files)
    }

    #[test]
    fn a_pair_is_used_and_everything_else_named() {
        let authority = testkit::certificates::TestAuthority::new();
        let (one, other) = (authority.issue(&["localhost"]), authority.issue(&["localhost"]));
        let (_folder, good) = files(&one.certificate, &one.key);
        Certificate::load(&good)
            .expect("a pair")
            .acceptor()
            .expect("an acceptor");
        for (certificate, key, part) in [
            (
                one.certificate.as_str(),
                other.key.as_str(),
                "cannot be used together",
            ),
            ("", one.key.as_str(), "tls.certificate: "),
            (one.certificate.as_str(), "", "tls.key: "),
        ] {
            let (_folder, bad) = files(certificate, key);
            let error = Certificate::load(&bad).map(drop).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
        let missing = TlsFiles {
            key: "/nowhere/key.pem".into(),
            ..good
        };
        let error = Certificate::load(&missing)
            .map(drop)
            .expect_err("no such file")
            .to_string();
        assert!(error.starts_with("tls.key: /nowhere/key.pem"), "{error}");
    }
}
