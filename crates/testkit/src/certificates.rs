//! A certificate authority for tests, and certificates for whatever name a client asks for.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    collections::HashMap,
    fmt, io,
    path::Path,
    sync::{Arc, Mutex},
};

/// An authority that nobody trusts until told to.
pub struct TestAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate and its key, as PEM, for a server that reads files.
#[derive(Clone, Debug)]
pub struct CertificatePem {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl TestAuthority {
    /// A new authority, unlike every other.
    pub fn new() -> Arc<Self> {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names are fine");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Stoa test authority");
        let certificate = params.self_signed(&key).expect("an authority signs itself");
        let (pem, certificate) = (certificate.pem(), certificate.der().clone());
        Arc::new(Self {
            issuer: Issuer::new(params, key),
            certificate,
            pem,
        })
    }

    /// The authority's certificate, for `SSL_CERT_FILE` and the like.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes the authority's certificate.
    pub fn write_pem(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, &self.pem)
    }

    /// A certificate for these names (or addresses), for a server that reads files.
    pub fn issue(&self, names: &[&str]) -> CertificatePem {
        let (certificate, key) = self.signed(names.iter().map(|&name| name.to_owned()).collect());
        CertificatePem {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// A client that trusts this authority alone.
    pub fn client_configuration(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.clone())
            .expect("an authority is a root");
        let configuration = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(configuration)
    }

    /// A server that is whoever the client asks for; without a name, `127.0.0.1`.
    pub(crate) fn server_configuration(self: &Arc<Self>) -> Arc<ServerConfig> {
        let anybody = Anybody {
            authority: Arc::clone(self),
            made: Mutex::new(HashMap::new()),
        };
        let mut configuration = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("the provider speaks TLS")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(anybody));
        configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(configuration)
    }

    fn signed(&self, names: Vec<String>) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key can be made");
        let mut params = CertificateParams::new(names).expect("the names are names");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        (
            params.signed_by(&key, &self.issuer).expect("the authority signs"),
            key,
        )
    }
}

impl fmt::Debug for TestAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestAuthority").finish_non_exhaustive()
    }
}

/// Makes a certificate for each name when it is first asked for.
#[derive(Debug)]
struct Anybody {
    authority: Arc<TestAuthority>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Anybody {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().unwrap_or("127.0.0.1").to_owned();
        let mut made = self.made.lock().ok()?;
        if let Some(key) = made.get(&name) {
            return Some(Arc::clone(key));
        }
        let (certificate, key) = self.authority.signed(vec![name.clone()]);
        let key = PrivateKeyDer::try_from(key.serialize_der()).ok()?;
        let key = provider().key_provider.load_private_key(key).ok()?;
        let certified = Arc::new(CertifiedKey::new(vec![certificate.der().clone()], key));
        made.insert(name, Arc::clone(&certified));
        Some(certified)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
