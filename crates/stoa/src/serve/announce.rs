//! The first lines: where modules are kept, where they come from, and what a Go user types.

use crate::{
    build_info::BuildInfo,
    config::{
        Config,
        address::{self, Listen},
        redact::redact,
    },
};
use checksum_db::DatabaseSetting;
use std::io::Write;

/// Says how this server is set up: to people on standard output, or to machines in the log.
pub(crate) fn announce(config: &Config, store: &str, address: &Listen) {
    let url = url(config, address);
    let chain = config.values.get("upstream.chain");
    let upstream = chain.map(|value| redact(&value.text)).unwrap_or_default();
    let from = chain.map(|value| value.source.to_string()).unwrap_or_default();
    let checksums = checksums(config.checksums.database.as_ref());
    if config.telemetry.json {
        let build = BuildInfo::this();
        let build_time = build.build_time.map(tracing::field::display);
        tracing::info!(
            version = build.version,
            commit = build.commit,
            build_time,
            "starting"
        );
        tracing::info!(store, listen = %address, url, upstream, upstream_from = from, checksums, "serving");
    } else {
        let listen = url.clone().unwrap_or_else(|| address.to_string());
        let mut lines = vec![
            BuildInfo::this().to_string(),
            format!("  data       {store}"),
            format!("  listen     {listen}"),
            format!("  upstream   {upstream}  ({from})"),
            format!("  checksums  {checksums}"),
        ];
        lines.extend(
            go_user(config, url.as_deref())
                .map(|address| format!("  use it     go env -w GOPROXY={address}")),
        );
        // Whoever started us may have closed it; serving goes on.
        let _ = std::io::stdout()
            .lock()
            .write_all((lines.join("\n") + "\n").as_bytes());
    }
}

/// `https` where there is a certificate.
pub(crate) fn scheme(config: &Config) -> &'static str {
    if config.tls.is_some() { "https" } else { "http" }
}

/// The address on this machine; a socket in the file system has none.
fn url(config: &Config, address: &Listen) -> Option<String> {
    let Listen::Tcp { host, port } = address else {
        return None;
    };
    let here = match host.as_str() {
        "0.0.0.0" | "::" => "127.0.0.1".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    Some(format!(
        "{}://{here}:{port}{}",
        scheme(config),
        config.base_path.as_str()
    ))
}

/// What a Go user types: the public address if there is one.
fn go_user(config: &Config, url: Option<&str>) -> Option<String> {
    let public = config.public_url.as_ref().map(address::as_written);
    public.or_else(|| url.map(str::to_owned))
}

/// Who knows the sums of modules.
fn checksums(database: Option<&DatabaseSetting>) -> String {
    match database {
        Some(database) => format!("{}, which clients may ask for here", database.key.name()),
        None => "off: what was seen first holds".into(),
    }
}
