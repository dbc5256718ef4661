//! `stoa health`: asks the server of this configuration whether it is alive, for container and service managers.

use crate::{
    config::{Config, address::Listen},
    exit::Failure,
};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Managers wait about this long themselves.
const PATIENCE: Duration = Duration::from_secs(5);

type Trouble = Box<dyn Error + Send + Sync>;

/// Succeeds if `/healthz` answers 200.
pub(crate) fn run(config: &Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let unhealthy =
        |reason: String| Failure::Unavailable(format!("{} is not healthy: {reason}", config.listen));
    match runtime.block_on(async { timeout(PATIENCE, ask(config)).await }) {
        Ok(Ok(StatusCode::OK)) => super::print("ok\n"),
        Ok(Ok(status)) => Err(unhealthy(format!("it answers {status}"))),
        Ok(Err(error)) => Err(unhealthy(error.to_string())),
        Err(_) => Err(unhealthy(format!(
            "it does not answer within {} s",
            PATIENCE.as_secs()
        ))),
    }
}

async fn ask(config: &Config) -> Result<StatusCode, Trouble> {
    match &config.listen {
        Listen::Unix(path) => ask_through(config, UnixStream::connect(path).await?).await,
        Listen::Tcp { host, port } => {
            let host = match host.as_str() {
                "0.0.0.0" => "127.0.0.1",
                "::" => "::1",
                host => host,
            };
            ask_through(config, TcpStream::connect((host, *port)).await?).await
        }
    }
}

async fn ask_through<S>(config: &Config, stream: S) -> Result<StatusCode, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if config.tls.is_none() {
        return exchange(config, stream).await;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let stream = TlsConnector::from(Arc::new(client))
        .connect(ServerName::try_from("localhost")?, stream)
        .await?;
    exchange(config, stream).await
}

async fn exchange<S>(config: &Config, stream: S) -> Result<StatusCode, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request = Request::get(format!("{}/healthz", config.base_path.as_str()))
        .header("host", "localhost")
        .body(Empty::<Bytes>::new())?;
    let status = sender.send_request(request).await?.status();
    driving.abort();
    Ok(status)
}

/// Takes any certificate: the question is whether somebody answers on our own address, whose certificate bears another
/// name, and nothing secret is sent.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
